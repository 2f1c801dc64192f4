button-top-up = ⚡ Пополнить
