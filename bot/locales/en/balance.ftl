balance-now = Your balance is <b>{ $balance } ⚡</b>
balance-rate = 1 ⚡ ≈ ${ $dollars }

balance-enough-title = <b>That is enough for</b>
balance-enough-images =
    { $model }: { $n ->
        [one] { $n } picture
       *[other] { $n } pictures
    } at { $price } ⚡
balance-enough-videos =
    { $model }: { $n ->
        [one] { $n } video
       *[other] { $n } videos
    } at { $price } ⚡
balance-enough-for-nothing = Not enough for a picture yet: one costs { $price } ⚡.

balance-history-title = <b>Latest</b>
