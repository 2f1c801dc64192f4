photo-question =
    { $n ->
        [one] What shall I do with the photo?
       *[other] What shall I do with these photos?
    }

    Say it in words or pick one below. Any edit costs { $price } ⚡.
photo-waiting-for-words =
    { $n ->
        [one] Got the photo.
       *[other] Got { $n } photos.
    } Now write what to do. <b>{ $model }</b> is ready, { $price } ⚡.

edit-enhance = ✨ Enhance
edit-enhance-prompt = Make the photo sharper and cleaner, improve light and colours, change nothing in the content
edit-background = 🏖 Beach background
edit-background-prompt = Replace the background with a sunny beach by the sea, keep people and objects unchanged, make the light natural
edit-watercolour = 🎨 Watercolour
edit-watercolour-prompt = Repaint the image as a delicate watercolour on paper
edit-cartoon = 🧸 Cartoon
edit-cartoon-prompt = Turn the image into a frame of a warm 3D animated film, keep the likeness
edit-combine = 🧩 Combine into one picture
edit-combine-prompt = Combine these images into one natural, coherent scene
edit-animate = 🎬 Animate · { $price } ⚡
edit-animate-prompt = Bring this photo to life: light natural motion, smooth camera

draw-forwarded = This is a forwarded message. Shall I draw a picture from it?
draw-edited = You edited the message. What has been started stays as it was. Shall I draw from the new text?
draw-it = 🖼 Draw it · { $price } ⚡

photo-too-big = The file is over { $limit } MB, more than Telegram hands to bots. Send it as a photo, not as a file, or make it smaller.
photo-not-an-image = I could not open this as a picture. Send a JPEG, PNG or WebP, or better, simply as a photo.
photo-heic = This is a HEIC photo, which I cannot read. Send it simply as a photo and not as a file: Telegram makes a JPEG of it.
photo-too-large = The picture is too large: { $limit } megapixels at most. Make it smaller and send it again.
photo-gone = I cannot find that photo. Please send it again.
photo-late = One photo of the album came too late and is not part of the work. If you need it, send the album again.
video-question = What shall I do with this video?
video-edit = ✏️ { $model } · { $price } ⚡
video-waiting-for-words = Got the video. Now write what to change in it. <b>{ $model }</b> does it for { $price } ⚡.
video-too-big = The video is larger than { $limit } MB: Telegram does not hand me such files. Send a shorter piece.
video-too-long = The video is longer than { $duration }. Send a shorter piece.
video-unreadable = I could not open this as a video. Send an MP4, or simply a video from your gallery.
video-gone = I cannot find this video. Send it again.
text-gone = I cannot find that text. Please send it again.
photo-question-buttons = What shall I do with the photo? Pick one below, or send it again with the words in its caption.
prompt-cut = This is the rest of a description that was too long, so I am not starting it. Shorten the description to 4,000 characters and send it whole.
price-changed = The price has changed: it is { $price } ⚡ now. Nothing was charged.
price-changed-send-again = The price has changed: it is { $price } ⚡ now. Nothing was charged. If that is fine, send the words again.
