button-daily = 🎁 Подарок дня
button-invite = 🤝 Пригласить друга
button-promo = 🏷 Промокод
