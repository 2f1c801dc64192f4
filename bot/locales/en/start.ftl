start-hello = Hi, <b>{ $name }</b>!
start-hello-nameless = Hi!

start-pitch = I draw pictures from your words, edit photos and make short videos.

start-gift =
    🎁 Here are <b>{ $bonus } ⚡</b> for you. { $pictures ->
        [one] That is enough for { $pictures } picture.
       *[other] That is enough for { $pictures } pictures.
    }
start-gift-only = 🎁 Here are <b>{ $bonus } ⚡</b> to start with.
start-invited = 🤝 { $name } invited you, and that brings <b>{ $tokens } ⚡</b> more.
start-own-link = This is your own link. Send it to a friend: both of you get a gift.
start-balance = Your balance is <b>{ $balance } ⚡</b>.

start-what-now =
    <b>Just write what you want to see</b>, for example:
    <code>a red fox in the snow, morning light</code>

    Or send a photo and say in its caption what to change.

start-price = A picture costs { $price } ⚡ and takes about { $duration }.

start-language = 🇷🇺 Удобнее по-русски? /language

help =
    <b>To get a picture</b>
    Write what you want to see. There is nothing to press: I start at once.

    <b>To edit a photo</b>
    Send it and say in the caption what to do. Several photos can go as one album. Reply to a finished picture in words and I will rework it.

    <b>To make a video</b>
    Press “{ $video }” and describe the scene. Or send a photo and choose “Animate”.

    <b>What it costs</b>
    You see the price before and after every start. If it does not work out, your tokens come back by themselves.

    <b>To make something alike</b>
    Press “{ $reference }” and send a photo, a video or a link: I will write a prompt for it.

    /models – models and prices
    /balance – balance
    /history – where your tokens went
    /topup – top up your balance
    /daily – daily gift
    /invite – invite a friend
    /promo – enter a promo code
    /cancel – cancel
    /language – language
    /paysupport – help with payments
    /terms – terms

language-choose = Which language shall we speak?
language-chosen = Done, English it is. What shall I draw?
