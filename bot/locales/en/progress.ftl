progress-title = { $emoji } <b>{ $model }</b>{ $options }
progress-price = { $price } ⚡ charged, { $balance } ⚡ left
progress-starting = ⏳ Starting…
progress-queued =
    ⏳ { $place ->
        [one] You are next in the queue
       *[other] You are number { $place } in the queue
    }, usually ready in { $duration }
progress-working = ⏳ Drawing: { $elapsed } so far, usually { $duration }
progress-working-video = ⏳ Filming: { $elapsed } so far, usually { $duration }
progress-late = ⏳ { $elapsed } so far. Longer than usual, but still at work
progress-bar = { $bar } { $percent }%
progress-storing = ⏳ Almost there, fetching the result
progress-sending = ⏳ Done, sending it

button-cancel = ✖️ Cancel

cancel-asked = Cancelling. Your tokens will be back.
cancel-too-late = Too late to cancel: the model is finishing its work.
cancel-dropped = All right, forgotten. Write what to draw.
cancel-nothing = There is nothing to cancel. Write what to draw.
cancel-running =
    { $n ->
        [one] { $n } generation is running. Cancel it?
       *[other] { $n } generations are running. Which one shall I cancel?
    }
cancel-one = ✖️ { $model } · { $prompt }
cancel-no-prompt = no description

finished-cancelled = ✖️ Cancelled.
finished-failed = 😔 { $reason }
finished-tokens-back = { $tokens } ⚡ are back, your balance is { $balance } ⚡.
finished-done = ✅ { $model }: done
button-retry = 🔁 Try again · { $price } ⚡

failure-content_blocked = The model's safety filter did not let this description or photo through. Try to put it differently.
failure-invalid_request = The model could not make sense of this order. Try other words, another photo or other settings.
failure-rate_limited = The model is swamped with requests right now. Try again in a couple of minutes.
failure-quota_exhausted = The model takes no orders for the moment. We know and are fixing it. Try another one: /models
failure-auth_failed = The model is unavailable for the moment. We know and are fixing it. Try another one: /models
failure-model_retired = This model is no longer served. Choose another one: /models
failure-provider_unavailable = The model does not answer right now. Try a little later or take another one: /models
failure-timed_out = The model took too long, so we stopped it. Please try again.
failure-ambiguous = The connection to the model broke and no result came. Please try again.
failure-bad_result = The model sent a damaged file. Please try again.
failure-undeliverable = Telegram would not take the result. Please try again.
failure-other = It did not work out, and that is our fault, not yours. Please try again.
