result-title = <b>{ $model }</b>{ $options }
result-price = { $price } ⚡ charged, { $balance } ⚡ left
result-price-partly = { $price } ⚡ charged ({ $refunded } ⚡ returned: not everything worked out), { $balance } ⚡ left
result-many =
    ⬆️ { $n ->
        [one] { $n } result
       *[other] { $n } results
    }. What next?
result-link =
    { $n ->
        [one] The file is too large for Telegram. Download it here, the link works for { $days } days:
       *[other] The files are too large for Telegram. Download them here, the links work for { $days } days:
    }
result-link-name = Download { $n } ({ $megabytes } MB)

button-again = 🔁 Again · { $price } ⚡
button-change = ✏️ Change
button-original = 📎 Original

change-ask = What shall I change? Say it in words. { $model }, { $price } ⚡.
change-ask-video = Write a new description and I will film it anew. { $model }, { $price } ⚡.
again-started = Starting once more
again-already = Already started, one second
original-sending = Sending the file
original-caption = The original, uncompressed
result-gone = I no longer have that result. Write a description and I will make a new one.

option-duration = { $n } s
option-quantity = × { $n }
change-not-kept = Reply to the picture itself in words and I will change it.

button-follow-vary = 🎲 Variation · { $price } ⚡
button-follow-upscale = 🔍 Upscale · { $price } ⚡
button-follow-animate = 🎬 Animate · { $price } ⚡
button-follow-extend = ➕ Extend · { $price } ⚡
button-follow-number = No. { $n }
button-go-animate = 🎬 Animate as it is · { $price } ⚡
button-go-extend = ➕ Extend as it is · { $price } ⚡
follow-which-vary = Which picture shall I vary? { $price } ⚡.
follow-which-upscale = Which picture shall I upscale? { $price } ⚡.
follow-which-animate = Which picture shall I animate? { $price } ⚡.
follow-which-extend = Which video shall I extend? { $price } ⚡.
follow-ask-animate = Describe the motion, or press the button. <b>{ $model }</b> does it for { $price } ⚡.
follow-ask-extend = Describe what happens next, or press the button. <b>{ $model }</b> does it for { $price } ⚡.
follow-animate-prompt = Light natural motion, smooth camera
follow-extend-prompt = The scene goes on naturally, motion and camera stay smooth
follow-gone = This result cannot be used for that any more.
