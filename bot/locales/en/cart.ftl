button-cart = ▶️ Start · { $price } ⚡
