# Buttons below the input field
button-create-image = 🖼 Create image
button-create-video = 🎬 Create video
button-balance = ⚡ Balance
button-help = ❓ Help

input-placeholder = What shall I draw?

duration-seconds = { $n } s
duration-minutes = { $n } min

# Commands in Telegram's menu
command-start = Start over
command-models = Models and prices
command-balance = Balance
command-cancel = Cancel
command-language = Language · Язык
command-help = How it works

bot-short-description = Pictures, photo edits and videos from your words. Start with 50 ⚡ on us.
bot-description =
    Write what you want to see and get a picture in seconds.

    🖼 Pictures from a description
    ✏️ Photo edits in plain words
    🎬 Short videos

    You get 50 ⚡ to start with.

crashed =
    Something broke on our side, sorry. We are on it.

    Please try again in a minute. If that does not help, { $contact ->
        [nobody] tell us the code
       *[other] write to us, { $contact }, and name the code
    } <code>{ $code }</code>.

storage-away =
    I could not take the file: our storage does not answer right now. We are on it.

    Please send it again in a couple of minutes. If that does not help, { $contact ->
        [nobody] tell us the code
       *[other] write to us, { $contact }, and name the code
    } <code>{ $code }</code>.

blocked =
    Access to this bot is closed. If that is a mistake, { $contact ->
        [nobody] tell us the code
       *[other] write to us, { $contact }, and name the code
    } <code>{ $id }</code>.
group-goodbye = I only work in private chats. Write to me: @{ $username }
