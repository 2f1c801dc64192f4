button-history = 🧾 История
