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
