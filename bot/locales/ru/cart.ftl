button-cart = ▶️ Запустить · { $price } ⚡
