balance-now = На балансе <b>{ $balance } ⚡</b>
balance-rate = 1 ⚡ ≈ { $dollars } $

balance-enough-title = <b>Этого хватит на</b>
balance-enough-images =
    { $model }: { $n ->
        [one] { $n } картинку
        [few] { $n } картинки
       *[other] { $n } картинок
    } по { $price } ⚡
balance-enough-videos =
    { $model }: { $n ->
        [one] { $n } видео
        [few] { $n } видео
       *[other] { $n } видео
    } по { $price } ⚡
balance-enough-for-nothing = Пока не хватает даже на одну картинку: она стоит { $price } ⚡.

balance-history-title = <b>Последнее</b>
balance-history-empty = Здесь появится история, когда вы что-нибудь создадите.
balance-line = { $date }  { $amount } ⚡  { $what }

posting-bonus = подарок
posting-welcome = подарок на старт
posting-deposit = пополнение
posting-generation = { $model }
posting-generation-unknown = генерация
posting-refund = возврат: { $model }
posting-refund-unknown = возврат
posting-referral = за приглашённого друга
posting-admin = поправка поддержки
amount-taken = −{ $amount }
amount-given = +{ $amount }
