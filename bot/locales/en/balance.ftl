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
balance-history-empty = Your history will appear here once you create something.
balance-line = { $date }  { $amount } ⚡  { $what }

posting-bonus = gift
posting-welcome = welcome gift
posting-deposit = top-up
posting-generation = { $model }
posting-generation-unknown = generation
posting-refund = returned: { $model }
posting-refund-unknown = returned
posting-referral = for a friend you invited
posting-admin = correction by support
amount-taken = −{ $amount }
amount-given = +{ $amount }
