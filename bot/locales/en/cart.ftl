button-cart = ▶️ Start · { $price } ⚡

cart-kept = I have kept your order: top up, and one button starts it.
cart-offer = You have enough tokens now: “{ $prompt }”, { $model }. Shall I start it for { $price } ⚡?
cart-offer-new-price = The price has changed since, it was { $before } ⚡.
cart-started = Starting
cart-still-short = You are still { $missing } ⚡ short: your balance is { $balance } ⚡. Top up and press again.
cart-gone = I no longer have this order. Please send the words again.
cart-photo-gone = I no longer have the photo of this order. Please send it again with the words.
