button-history = 🧾 History
