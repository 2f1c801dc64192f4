button-daily = 🎁 Daily gift
button-invite = 🤝 Invite a friend
button-promo = 🏷 Promo code
