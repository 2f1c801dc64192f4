button-top-up = ⚡ Пополнить
command-topup = Пополнить баланс
command-paysupport = Помощь с оплатой
command-terms = Условия

topup-title = <b>⚡ Пополнение</b>
topup-hint = Примерно столько 🖼 картинок или 🎬 видео получится:
topup-package = <b>{ $tokens } ⚡</b>  { $pays }
topup-package-bonus = <b>{ $tokens } ⚡</b> + { $bonus } 🎁  { $pays }
topup-package-monthly = { $line } · каждый месяц
topup-pays-images = ≈ { $n } 🖼
topup-pays-both = ≈ { $n } 🖼 или { $videos } 🎬

topup-first-bonus = 🎁 К первому пополнению добавлю { $percent } % сверху, до { $most } ⚡.
topup-stars = Оплата звёздами Telegram, токены приходят сразу.
topup-gateway-lava = Оплата картой на отдельной странице, вне Telegram.
topup-gateway-other = Оплата на отдельной странице, вне Telegram.
topup-none = Пополнение сейчас недоступно. Загляните чуть позже, пожалуйста.
topup-button = { $tokens } ⚡ · { $amount }
topup-button-monthly = { $tokens } ⚡ каждый месяц · { $amount }
topup-by-stars = ⭐ Звёздами Telegram
topup-by-lava = 💳 Картой на сайте
topup-by-other = 💳 Другой способ
topup-new-price = Цена изменилась: теперь { $amount }. Я обновил список.
topup-gone = Этого пакета больше нет. Я обновил список.
topup-try-later = Не получилось выставить счёт. Попробуйте ещё раз через минуту.
topup-open = <b>{ $tokens } ⚡</b> за { $amount }. Оплата откроется на отдельной странице, а токены я пришлю сюда.
topup-open-monthly = <b>{ $tokens } ⚡</b> каждый месяц за { $amount }. Отменить можно в любой момент в настройках Telegram.
topup-open-button = Оплатить { $amount }

money-xtr = { $amount } ⭐
money-usd = { $amount } $
money-eur = { $amount } €
money-rub = { $amount } ₽
money-other = { $amount } { $currency }

checkout-busy = Сейчас не успеваю проверить заказ. Ничего не списано: попробуйте ещё раз через минуту.
checkout-unknown = Такого заказа нет. Выберите пакет заново: /topup
checkout-not_yours = Этот счёт выставлен другому человеку. Откройте свой: /topup
checkout-paid = Этот заказ уже оплачен. Чтобы пополнить ещё раз, откройте новый: /topup
checkout-expired = Этот счёт устарел. Откройте новый: /topup
checkout-other_price = Цена в этом счёте изменилась. Откройте новый: /topup
checkout-blocked = Доступ к боту закрыт, поэтому оплату принять не могу. Ничего не списано.

payment-paid = ✅ Получил { $amount }, начислил <b>{ $tokens } ⚡</b>.
payment-renewed = ✅ Подписка продлена: получил { $amount }, начислил <b>{ $tokens } ⚡</b>.
payment-bonus = 🎁 И ещё { $tokens } ⚡ в подарок.
payment-bonus-first_deposit = 🎁 И ещё { $tokens } ⚡ за первое пополнение.
payment-bonus-promo = 🏷 И ещё { $tokens } ⚡ по промокоду.
payment-balance = На балансе <b>{ $balance } ⚡</b>.
payment-failed = Оплата { $amount } не прошла, токены не начислены. Попробуем ещё раз?
payment-refunded = Вернул { $amount } и списал { $tokens } ⚡ этой покупки.
payment-returned = Вернул { $amount }: этот платёж не подошёл ни к одному заказу.
payment-held = Получил { $amount }, но не нашёл заказ, к которому относится оплата. Деньги не потеряны: мы уже разбираемся. Вопросы: /paysupport
payment-cancelled = Подписка отменена. Всё начисленное остаётся у вас, новых списаний после { $date } не будет.

payment-state-pending = ждёт оплаты
payment-state-failed = не прошла
payment-state-expired = счёт устарел
payment-state-paid = оплачено
payment-state-refunding = возвращаем
payment-state-refunded = возвращено
payment-state-quarantined = проверяем
payment-state-dismissed = проверено

paysupport-title = <b>Помощь с оплатой</b>
paysupport-latest = <b>Последние оплаты</b>
paysupport-line = { $date }  { $tokens } ⚡ за { $amount } · { $state } · <code>{ $code }</code>
paysupport-line-held = { $date }  { $amount } · { $state } · <code>{ $code }</code>
paysupport-none = Оплат пока не было. Пополнить баланс: /topup
paysupport-how = Токены приходят сразу после оплаты. Если прошло больше пяти минут, а их нет, напишите нам, { $contact }, и назовите код платежа.
paysupport-how-alone = Токены приходят сразу после оплаты. Если прошло больше пяти минут, а их нет, мы найдём платёж сами: каждую ночь сверяем все оплаты с Telegram.
paysupport-refunds = Деньги за непотраченные токены можно вернуть.
paysupport-refund-button = ↩️ Вернуть { $amount } · { $code }
paysupport-asked = Запрос на возврат { $amount } принят. Мы проверим его и напишем сюда.
paysupport-asked-already = Запрос уже у нас. Ответ придёт сюда.
paysupport-not-refundable = Этот платёж вернуть нельзя.

terms =
    <b>Условия</b>

    <b>Что такое токены</b>
    Токены (⚡) оплачивают генерации в этом боте. 1 ⚡ ≈ 0,05 $. Это не деньги: их нельзя вывести или передать. Срока годности у них нет.

    <b>Оплата</b>
    В Telegram токены продаются за звёзды. Токены приходят сразу, чек остаётся в этом чате.

    <b>Если не получилось</b>
    Генерация не удалась: токены возвращаются сами.

    <b>Возврат денег</b>
    Непотраченную покупку мы вернём по запросу: /paysupport. Вместе с ней спишутся её токены и подарки к ней. Подписку можно отменить в любой момент в настройках Telegram.

    <b>Правила</b>
    Не просите создавать незаконное. За такое доступ закрывается без возврата.
