brand = NanoBanana
page-title = Pay for { $tokens } ⚡
what = What you buy
tokens = { $tokens } ⚡
every-month = { $tokens } ⚡ every month
price = Price
price-every-month = { $price } a month
order = Order

pay-heading = Pay by card
pay-lead = You pay on the page of { $gateway }. We neither see nor keep your card.
email = E-mail
email-why = { $gateway } sends your receipt there.
email-known = Your receipt goes to { $email }. To use another address, enter it.
email-wrong = There seems to be a slip in this address. It should look like name@example.com
pay = Pay { $price }
continue = Continue — { $price }
renews = The subscription renews every month until you cancel it. You can do that on this page.

waiting-heading = Waiting for confirmation
waiting = Your payment is on its way, usually for a few seconds. This page refreshes by itself, and the bot writes to you when the money is here.
waiting-long = There is no confirmation yet. If you have paid, there is nothing to do: the bot writes to you as soon as it comes.
check-again = Check again
not-paid-heading = The payment did not go through
not-paid = No money was taken. You can try again.
left-heading = You have not finished paying
left = No money was taken. Your order waits for you here.

paid-heading = Paid
paid = { $tokens } ⚡ are on your balance. Thank you!
failed-heading = The payment did not go through
failed = No money was taken, and this order is closed. Go back to the bot and choose a package again.
expired-heading = This order is over
expired = It waited a day for its payment. Go back to the bot and choose a package again. If you have paid, your tokens come by themselves.
held-heading = We are checking your payment
held = Your money is here, but something about it does not add up. We are looking at it, there is nothing for you to do.
refunding-heading = Your money is coming back
refunding = The tokens of this payment are taken back, and the money returns to your card.
refunded-heading = Your money is back
refunded = The tokens of this payment are taken back, and the money is on its way to your card. Your bank may take a few days to show it.
closed-heading = This order is closed
closed = There is nothing left to pay for it.

subscription-ends = The subscription is cancelled. What you have paid for lasts until { $date }.
cancel = Cancel the subscription
cancel-why = Nothing more will be taken, and what you have paid for stays yours.
cancel-failed = It could not be cancelled: { $gateway } does not answer. Try again in a few minutes.

away-heading = { $gateway } does not answer at the moment
away = No money was taken, and your order is kept. Try again in a minute.
busy-heading = Preparing the payment page
busy = A few more seconds.
refused-heading = Cards do not work right now
refused = { $gateway } did not take the order, and we know about it. No money was taken. In the bot you can pay with Stars.
often-heading = Too often
often = Wait a little and try again.
unknown-heading = There is no such order
unknown = Check the link, or start again in the bot.
stale-heading = This page is out of date
stale = Open it again and press the button once more.
down-heading = One moment, we are fixing it
down = This page is not available right now. Your order and your money are safe: load it again a little later.
again = Try again

to-bot = Back to the bot
help = Questions about payments: { $contact }
