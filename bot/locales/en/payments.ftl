button-top-up = ⚡ Top up
