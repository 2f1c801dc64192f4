button-daily = 🎁 Daily gift
button-invite = 🤝 Invite a friend
button-promo = 🏷 Promo code
button-share = 📤 Send to a friend
button-zone = 🕒 My time zone
button-zones-offsets = My city is not here, choose by hours from UTC
button-zones-cities = ‹ Choose a city

command-promo = Enter a promo code
command-daily = Daily gift
command-invite = Invite a friend

# Promo codes
promo-ask = Send me the promo code in one message.
promo-placeholder = Promo code
promo-given =
    🎉 Promo code { $code } accepted: <b>+{ $tokens } ⚡</b>.

    Your balance is { $balance } ⚡. What shall I draw?
promo-activated = 🎉 Promo code { $code } is on.
promo-activated-before = Promo code { $code } is on already and waits for your top-up.
promo-gives-percent = Your next top-up brings <b>{ $percent } %</b> on top.
promo-gives-tokens = Your next top-up brings <b>{ $tokens } ⚡</b> on top.
promo-min-deposit = It has to be { $tokens } ⚡ or more.
promo-max-bonus = I add { $tokens } ⚡ at the most.
promo-until = Be there before { $moment }.

refused-promo_unknown = There is no such promo code. Check every letter and send it again.
refused-promo_not_yet_valid = This promo code does not work yet. Try it on { $moment }.
refused-promo_expired = This promo code has expired.
refused-promo_switched_off = This promo code no longer works.
refused-promo_used_up = This promo code is gone: others have used it up.
refused-promo_budget_exhausted = This promo code is gone: it has given everything that it had.
refused-promo_used_by_you = You have used this promo code and got { $tokens } ⚡.
refused-promo_used_by_you-nothing = You have used this promo code.
refused-promo_too_many_tries = Too many promo codes with mistakes. Try again in { $duration }.

# Friends
friend-nameless = a friend
invite-title = <b>🤝 Invite a friend</b>
invite-terms = Your friend gets { $friend } ⚡ at once on top of the welcome gift, you get { $you } ⚡ with their first top-up.
invite-link =
    Your link:
    <code>{ $link }</code>
invite-nobody-yet = Nobody has come by it yet. Start with somebody who loves pictures.
invite-so-far =
    { $came ->
        [one] { $came } friend has come
       *[other] { $came } friends have come
    }, { $paid ->
        [0] nobody has topped up yet.
        [one] { $paid } has topped up. You have earned <b>{ $earned } ⚡</b>.
       *[other] { $paid } have topped up. You have earned <b>{ $earned } ⚡</b>.
    }
invite-share = Pictures and videos made from your words. This link brings { $tokens } ⚡ more as a gift.
friend-joined = 🤝 Somebody new has come by your link: <b>{ $name }</b>. Their first top-up brings you { $tokens } ⚡.
friend-paid =
    🎉 <b>+{ $tokens } ⚡</b> for your friend: { $name } has topped up for the first time. Thank you for bringing people!

    Your balance is { $balance } ⚡.

# The daily gift
daily-taken =
    🎁 <b>+{ $tokens } ⚡</b>, { $n ->
        [one] { $n } day in a row
       *[other] { $n } days in a row
    }.
daily-taken-before =
    You have today’s gift already, { $n ->
        [one] { $n } day in a row
       *[other] { $n } days in a row
    }.
daily-step = { $tokens }
daily-step-taken = ✅ { $tokens }
daily-step-today = <b>🎁 { $tokens }</b>
daily-tomorrow = Tomorrow { $tokens } ⚡. Your new day begins in { $duration }.
daily-held-back = Your time zone is new, so the next gift, { $tokens } ⚡, comes in { $duration }.
daily-every-day = Miss a day and the ladder starts over.
daily-waits = Today’s gift is waiting for you.
daily-zone = 🕒 Your days go by the time of { $zone }.
duration-hours = { $hours } h { $minutes } min

zone-ask = What time is it where you are? Press it.
zone-chosen = Noted: { $zone }.
zone-utc = UTC
zone-america-los_angeles = Los Angeles
zone-america-chicago = Chicago
zone-america-new_york = New York
zone-america-sao_paulo = São Paulo
zone-europe-london = London
zone-europe-berlin = Berlin
zone-europe-kyiv = Kyiv
zone-europe-kaliningrad = Kaliningrad
zone-europe-moscow = Moscow
zone-europe-istanbul = Istanbul
zone-europe-samara = Samara
zone-asia-dubai = Dubai
zone-asia-tbilisi = Tbilisi
zone-asia-yekaterinburg = Yekaterinburg
zone-asia-almaty = Almaty
zone-asia-tashkent = Tashkent
zone-asia-kolkata = Delhi
zone-asia-omsk = Omsk
zone-asia-novosibirsk = Novosibirsk
zone-asia-krasnoyarsk = Krasnoyarsk
zone-asia-bangkok = Bangkok
zone-asia-irkutsk = Irkutsk
zone-asia-shanghai = Beijing
zone-asia-yakutsk = Yakutsk
zone-asia-tokyo = Tokyo
zone-asia-vladivostok = Vladivostok
zone-australia-sydney = Sydney
zone-asia-magadan = Magadan
zone-asia-kamchatka = Kamchatka
zone-pacific-auckland = Auckland
