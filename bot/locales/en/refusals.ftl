refused-empty_prompt = There are no words here. Write what you want to see.
refused-prompt_too_long =
    The description is too long: { $length ->
        [one] { $length } character
       *[other] { $length } characters
    }, and { $limit } is the limit. Shorten it and send it again.
refused-too_many_images =
    { $n ->
        [one] You sent { $n } photo
       *[other] You sent { $n } photos
    }, but { $model } takes { $limit ->
        [one] only { $limit }
       *[other] at most { $limit }
    }. Send fewer.
refused-image_required = “{ $model }” needs a photo. Send one with the description in its caption.
refused-images_not_supported = “{ $model }” does not work with photos. Send words only or choose another model: /models
refused-video_required = “{ $model }” needs a video. Send one with the description in its caption.
refused-videos_not_supported = “{ $model }” does not work with videos. Send words or photos, or choose another model: /models
refused-video_too_long = The video is too long: “{ $model }” takes up to { $limit }. Trim it and send it again.
refused-input_mismatch = “{ $model }” does not take this: { $input }. Send it without, or choose another model: /models
refused-input_mismatch-option = To add this ({ $input }), choose for “{ $model }”: { $options }. Then send it again: /models
refused-input_mismatch-needs = “{ $model }”: { $input } works only together with: { $others }.
refused-input_mismatch-excludes = “{ $model }”: { $input } does not go with: { $others }. Send one of them.
refused-parent_unusable = This result cannot be used for that any more: it is too old, or another service made it.
refused-link_not_supported = I cannot open this link. Send one that leads to a photo or a video, or the file itself.
refused-content_refused = That is something I do not make. Nothing was charged. Say it differently and we go on.
refused-content_refused-minors = I do not draw or film children like that. Nothing was charged.
refused-content_refused-sexual = I do not make pornography. Nothing was charged. Put it differently and we go on.
refused-content_refused-undressing = I will not undress people in photos. Nothing was charged. Clothes, background or style can be changed.
refused-content_refused-violence = I cannot help with this: it reads like real violence or instructions for it. Nothing was charged.
refused-content_refused-self_harm = I do not draw this. If things are hard right now, talk to somebody close or to a doctor: you are not alone. Nothing was charged.
refused-content_refused-hate = I do not draw threats or calls against people. Nothing was charged. Put it differently and we go on.
refused-too_many_refusals = Too many descriptions were refused in a row. Try again in { $duration }.
refused-invalid_params = “{ $model }” no longer takes these settings. Choose them again: /models
refused-model_unavailable = “{ $model }” is not available right now.
refused-model_unavailable-successor = There is “{ $successor }” instead: /models
refused-model_unavailable-others = Choose another model: /models
refused-insufficient_tokens =
    You are <b>{ $missing } ⚡</b> short.

    It costs { $needed } ⚡, your balance is { $balance } ⚡.
refused-too_many_running =
    { $limit ->
        [1] You have a generation running. Wait for it or cancel it: /cancel
        [one] You have { $limit } generation running. Wait for it or cancel it: /cancel
       *[other] You have { $limit } generations running. Wait for one of them or cancel it: /cancel
    }
refused-cooldown_active = A little patience: “{ $model }” can be started again in { $duration }.
refused-daily_limit_reached = That is all from “{ $model }” for today: { $limit } a day. See you tomorrow, and there are other models meanwhile: /models
refused-user_blocked = Access to this bot is closed.
refused-other = I cannot take this order right now. Nothing was charged. Try other words or another model: /models

enough-for = With { $balance } ⚡ you can make:
