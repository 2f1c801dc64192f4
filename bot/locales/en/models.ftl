models-title = <b>Models and prices</b>
models-images = 🖼 <b>Pictures</b>
models-videos = 🎬 <b>Videos</b>
models-entry =
    <b>{ $model }</b>: { $price }, usually { $duration }
    { $purpose }
models-choose = Press a model to choose it.
models-retired = <i>{ $model } is gone. Use { $successor } instead.</i>
models-none = All models are resting right now. Please look in again a little later.
models-none-videos = Videos are not available right now. Pictures are: just write what you want to see.

price-image = { $price } ⚡ per picture
price-video = { $price } ⚡ for { $duration }
price-generation = { $price } ⚡

models-button = { $model } · { $price } ⚡ · { $duration }
models-button-preferred = ✓ { $model } · { $price } ⚡ · { $duration }

card-title = <b>{ $model }</b>
card-price = Price: <b>{ $price } ⚡</b>, usually { $duration }.
card-option = { $option }: { $value }
card-auto = auto
card-option-button-priced = { $value } · { $price } ⚡
card-option-button-chosen = ✓ { $value }
card-takes-photos =
    { $n ->
        [one] You can add { $n } photo.
       *[other] You can add up to { $n } photos.
    }
card-needs-photo = It needs a photo: send one with the description in its caption.
card-needs-video = A video is needed: send it with the description as its caption.
card-has-video = The video is added.
card-takes-inputs = You can add: { $inputs }.
card-needs-inputs = It needs a photo. You can add: { $inputs }.
card-frames = The first photo begins the video, the second one ends it.
input-image = photo
input-start = first frame
input-end = last frame
input-reference = references
input-mask = mask
input-video = video
input-most = up to { $n }
card-has-photos =
    { $n ->
        [one] { $n } photo added.
       *[other] { $n } photos added.
    }
card-ask-image = <b>Write what to draw.</b>
card-ask-video = <b>Describe what should happen in the video.</b>
card-is-preferred = I will draw with it from now on.
card-not-kept = Settings cannot be kept right now, but you can write a description as usual.
card-unavailable = “{ $model }” is not available right now. Choose another model: /models
card-retired = “{ $model }” is gone. Here is what replaces it: “{ $successor }”.
card-choose-value = <b>{ $model }</b>. { $option }:
button-back-to-card = ‹ { $model }
button-all-models = ‹ All models
button-open-app = 📱 All models in the app
button-open-form = 📱 Set it up in the app
card-option-value = { $value } – { $price } ⚡
