button-daily = 🎁 Подарок дня
button-invite = 🤝 Пригласить друга
button-promo = 🏷 Промокод
button-share = 📤 Отправить другу
button-zone = 🕒 Мой часовой пояс
button-zones-offsets = Моего города нет, выбрать по часам от UTC
button-zones-cities = ‹ Выбрать город

command-promo = Ввести промокод
command-daily = Подарок дня
command-invite = Пригласить друга

# Промокоды
promo-ask = Пришлите промокод одним сообщением.
promo-placeholder = Промокод
promo-given =
    🎉 Промокод { $code } принят: <b>+{ $tokens } ⚡</b>.

    На балансе { $balance } ⚡. Что нарисовать?
promo-activated = 🎉 Промокод { $code } включён.
promo-activated-before = Промокод { $code } уже включён и ждёт вашего пополнения.
promo-gives-percent = К следующему пополнению добавлю <b>{ $percent } %</b> сверху.
promo-gives-tokens = К следующему пополнению добавлю <b>{ $tokens } ⚡</b>.
promo-min-deposit = Нужно пополнить на { $tokens } ⚡ или больше.
promo-max-bonus = Добавлю не больше { $tokens } ⚡.
promo-until = Успейте до { $moment }.

refused-promo_unknown = Такого промокода нет. Проверьте каждую букву и пришлите ещё раз.
refused-promo_not_yet_valid = Этот промокод ещё не начал действовать. Попробуйте { $moment }.
refused-promo_expired = Срок этого промокода вышел.
refused-promo_switched_off = Этот промокод больше не действует.
refused-promo_used_up = Этот промокод разобрали: других попыток не осталось.
refused-promo_budget_exhausted = Этот промокод разобрали: он раздал всё, что было.
refused-promo_used_by_you = Этот промокод вы уже использовали и получили { $tokens } ⚡.
refused-promo_used_by_you-nothing = Этот промокод вы уже использовали.
refused-promo_too_many_tries = Слишком много промокодов с ошибкой. Попробуйте через { $duration }.

# Друзья
friend-nameless = друг
invite-title = <b>🤝 Пригласите друга</b>
invite-terms = Другу сразу { $friend } ⚡ к подарку на старт, вам { $you } ⚡ с его первого пополнения.
invite-link =
    Ваша ссылка:
    <code>{ $link }</code>
invite-nobody-yet = По ней пока никто не пришёл. Начните с того, кто любит картинки.
invite-so-far =
    { $came ->
        [one] Пришёл { $came } друг
        [few] Пришли { $came } друга
       *[other] Пришло { $came } друзей
    }, { $paid ->
        [0] пока никто не пополнял баланс.
        [one] { $paid } пополнил баланс. Вы заработали <b>{ $earned } ⚡</b>.
       *[other] { $paid } пополнили баланс. Вы заработали <b>{ $earned } ⚡</b>.
    }
invite-share = Здесь рисуют картинки и снимают видео по описанию. По этой ссылке ещё { $tokens } ⚡ в подарок.
friend-joined = 🤝 По вашей ссылке к нам пришёл новый человек: <b>{ $name }</b>. С первого пополнения друга вам { $tokens } ⚡.
friend-paid =
    🎉 <b>+{ $tokens } ⚡</b> вам за друга: { $name } впервые пополняет баланс. Спасибо, что зовёте к нам!

    На балансе { $balance } ⚡.

# Подарок дня
daily-taken =
    🎁 <b>+{ $tokens } ⚡</b>, { $n ->
        [one] { $n } день подряд
        [few] { $n } дня подряд
       *[other] { $n } дней подряд
    }.
daily-taken-before =
    Сегодняшний подарок уже у вас, { $n ->
        [one] { $n } день подряд
        [few] { $n } дня подряд
       *[other] { $n } дней подряд
    }.
daily-step = { $tokens }
daily-step-taken = ✅ { $tokens }
daily-step-today = <b>🎁 { $tokens }</b>
daily-tomorrow = Завтра { $tokens } ⚡. Новый день у вас начнётся через { $duration }.
daily-held-back = Часовой пояс новый, поэтому следующий подарок, { $tokens } ⚡, придёт через { $duration }.
daily-every-day = Если пропустить день, лестница начнётся сначала.
daily-waits = Сегодняшний подарок ждёт вас.
daily-zone = 🕒 День считаю по времени: { $zone }.
duration-hours = { $hours } ч { $minutes } мин

zone-ask = Который у вас час? Нажмите на своё время.
zone-chosen = Запомнил: { $zone }.
zone-utc = UTC
zone-america-los_angeles = Лос-Анджелес
zone-america-chicago = Чикаго
zone-america-new_york = Нью-Йорк
zone-america-sao_paulo = Сан-Паулу
zone-europe-london = Лондон
zone-europe-berlin = Берлин
zone-europe-kyiv = Киев
zone-europe-kaliningrad = Калининград
zone-europe-moscow = Москва
zone-europe-istanbul = Стамбул
zone-europe-samara = Самара
zone-asia-dubai = Дубай
zone-asia-tbilisi = Тбилиси
zone-asia-yekaterinburg = Екатеринбург
zone-asia-almaty = Алматы
zone-asia-tashkent = Ташкент
zone-asia-kolkata = Дели
zone-asia-omsk = Омск
zone-asia-novosibirsk = Новосибирск
zone-asia-krasnoyarsk = Красноярск
zone-asia-bangkok = Бангкок
zone-asia-irkutsk = Иркутск
zone-asia-shanghai = Пекин
zone-asia-yakutsk = Якутск
zone-asia-tokyo = Токио
zone-asia-vladivostok = Владивосток
zone-australia-sydney = Сидней
zone-asia-magadan = Магадан
zone-asia-kamchatka = Камчатка
zone-pacific-auckland = Окленд
