"""What the bot and the command line share: data, money, catalogue, generations, queue, HTTP."""
