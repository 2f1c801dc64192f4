button-reference = 📲 Prompt by reference
command-reference = A prompt from a photo, video or link
reference-name = 📲 Prompt by reference

reference-ask =
    <b>📲 Prompt by reference</b>

    Send a photo, a video or a link to YouTube, Instagram or TikTok, and I will write a prompt to make something alike. Wishes go into the caption or next to the link.

    It costs { $price } ⚡, your balance is { $balance } ⚡. Changed your mind: /cancel
reference-ask-not-kept =
    Send a link to a photo or video in a message of its own, and I will offer to describe it for { $price } ⚡.
reference-waiting = I am waiting for a photo, a video or a link to write a prompt from. Changed your mind: /cancel
reference-draw-instead = I am waiting for a photo, a video or a link. Or shall I draw these words?
reference-one-at-a-time = I take one photo of the album, the first. Send the others one by one.
reference-unavailable = Prompts by reference are not available right now. Look in a little later.
reference-offer-link = Shall I write a prompt from this link?
reference-describe = 📲 Write a prompt · { $price } ⚡
reference-link-not-supported = I will see nothing behind this link. A link to a video on YouTube, Instagram or TikTok will do, or one that leads straight to a picture or clip.

reference-title = ✅ <b>Your prompt is ready</b>
reference-copy = Tap the text to copy it.
reference-make-image = 🖼 Make a picture
reference-make-video = 🎬 Make a video
reference-which-image = Which model shall draw this prompt? The price is on the button, and I start at once.
reference-which-video = Which model shall film this prompt? The price is on the button, and I start at once.
reference-model = { $model } · { $price } ⚡
reference-prompt-gone = I do not have this prompt any more. Copy it from the message and send it as a description.

progress-working-text = ⏳ Looking and describing: { $elapsed } so far, usually { $duration }
progress-fetching = ⏳ Opening the link

failure-link_failed = I could not open this link. Send the photo or video itself.
failure-link_not_supported = There is no photo or video behind this link that I can open. Send another link or the file itself.
failure-link_private = Only people who are signed in can see this. Send a public link or the file itself.
failure-link_gone = There is nothing behind this link any more. Check it and send it again.
failure-link_too_large = The file behind the link is too large. Send a shorter clip.
failure-link_too_long = The video behind the link is too long. Send a shorter clip.
failure-link_unavailable = The site does not hand this video over right now. Try later or send the file itself.
