button-top-up = ⚡ Top up
command-topup = Top up the balance
command-paysupport = Help with payments
command-terms = Terms

topup-title = <b>⚡ Top up</b>
topup-hint = Roughly so many 🖼 pictures or 🎬 videos:
topup-package = <b>{ $tokens } ⚡</b>  { $pays }
topup-package-bonus = <b>{ $tokens } ⚡</b> + { $bonus } 🎁  { $pays }
topup-package-monthly = { $line } · every month
topup-pays-images = ≈ { $n } 🖼
topup-pays-both = ≈ { $n } 🖼 or { $videos } 🎬

topup-first-bonus = 🎁 Your first top-up brings { $percent }% more, up to { $most } ⚡.
topup-stars = Paid in Telegram Stars, tokens arrive at once.
topup-gateway-lava = Paid by card on a page of its own, outside of Telegram.
topup-gateway-other = Paid on a page of its own, outside of Telegram.
topup-none = Top-ups are not available right now. Please look in a little later.
topup-button = { $tokens } ⚡ · { $amount }
topup-button-monthly = { $tokens } ⚡ every month · { $amount }
topup-by-stars = ⭐ Telegram Stars
topup-by-lava = 💳 Card, on a website
topup-by-other = 💳 Another way
topup-new-price = The price has changed: it is { $amount } now. The list is up to date again.
topup-gone = This package is gone. The list is up to date again.
topup-try-later = The invoice could not be made. Try again in a minute.
topup-open = <b>{ $tokens } ⚡</b> for { $amount }. The payment opens on a page of its own, and I will send the tokens here.
topup-open-monthly = <b>{ $tokens } ⚡</b> every month for { $amount }. Cancel any time in the settings of Telegram.
topup-open-button = Pay { $amount }

money-xtr = { $amount } ⭐
money-usd = ${ $amount }
money-eur = €{ $amount }
money-rub = ₽{ $amount }
money-other = { $amount } { $currency }

checkout-busy = I cannot check the order in time. Nothing was taken: please try again in a minute.
checkout-unknown = There is no such order. Choose a package again: /topup
checkout-not_yours = This invoice is for somebody else. Get your own: /topup
checkout-paid = This order is paid already. To top up once more, get a new one: /topup
checkout-expired = This invoice is out of date. Get a new one: /topup
checkout-other_price = The price of this invoice has changed. Get a new one: /topup
checkout-blocked = The bot is closed to you, so the payment cannot be accepted. Nothing was taken.

payment-paid = ✅ Received { $amount }, added <b>{ $tokens } ⚡</b>.
payment-renewed = ✅ Subscription renewed: received { $amount }, added <b>{ $tokens } ⚡</b>.
payment-bonus = 🎁 And { $tokens } ⚡ more as a gift.
payment-bonus-first_deposit = 🎁 And { $tokens } ⚡ more for your first top-up.
payment-bonus-promo = 🏷 And { $tokens } ⚡ more for your promo code.
payment-balance = Your balance is <b>{ $balance } ⚡</b>.
payment-failed = The payment of { $amount } did not go through, no tokens were added. Shall we try again?
payment-refunded = I returned { $amount } and took the { $tokens } ⚡ of that purchase back.
payment-returned = I returned { $amount }: this payment belonged to no order.
payment-held = I received { $amount } but found no order that it belongs to. The money is not lost: we are looking into it. Questions: /paysupport
payment-cancelled = The subscription is cancelled. All that you received stays yours, nothing is charged after { $date }.

payment-state-pending = waits for payment
payment-state-failed = did not go through
payment-state-expired = invoice out of date
payment-state-paid = paid
payment-state-refunding = being refunded
payment-state-refunded = refunded
payment-state-quarantined = being checked
payment-state-dismissed = checked

paysupport-title = <b>Help with payments</b>
paysupport-latest = <b>Your latest payments</b>
paysupport-line = { $date }  { $tokens } ⚡ for { $amount } · { $state } · <code>{ $code }</code>
paysupport-line-held = { $date }  { $amount } · { $state } · <code>{ $code }</code>
paysupport-none = There are no payments yet. To top up: /topup
paysupport-how = Tokens arrive right after the payment. If they are not here in five minutes, write to us, { $contact }, and name the code of the payment.
paysupport-how-alone = Tokens arrive right after the payment. If they are not here in five minutes, we will find the payment ourselves: every night we compare all payments with Telegram.
paysupport-refunds = Money for tokens that you did not spend can be returned.
paysupport-refund-button = ↩️ Refund { $amount } · { $code }
paysupport-asked = Your request to return { $amount } is with us. We will check it and write to you here.
paysupport-asked-already = We have your request already. The answer comes here.
paysupport-not-refundable = This payment cannot be returned.

terms =
    <b>Terms</b>

    <b>What tokens are</b>
    Tokens (⚡) pay for generations in this bot. 1 ⚡ ≈ $0.05. They are not money: they cannot be cashed out or passed on. They do not expire.

    <b>Paying</b>
    Inside Telegram tokens are sold for Stars. They arrive at once, and the receipt stays in this chat.

    <b>If it does not work out</b>
    A generation failed: its tokens come back by themselves.

    <b>Refunds</b>
    We return an unspent purchase on request: /paysupport. Its tokens, and gifts that came with it, are taken back. A subscription can be cancelled any time in the settings of Telegram.

    <b>Rules</b>
    Do not ask for anything illegal. It closes the bot to you without a refund.
