# Кнопки под полем ввода
button-create-image = 🖼 Создать картинку
button-create-video = 🎬 Создать видео
button-balance = ⚡ Баланс
button-help = ❓ Помощь

input-placeholder = Что нарисовать?

duration-seconds = { $n } с
duration-minutes = { $n } мин

# Команды в меню Telegram
command-start = Начать сначала
command-models = Модели и цены
command-balance = Баланс
command-cancel = Отменить
command-language = Язык · Language
command-help = Как пользоваться

bot-short-description = Картинки, правка фото и видео по вашему описанию. Начните с 50 ⚡ в подарок.
bot-description =
    Напишите, что хотите увидеть, и получите картинку за несколько секунд.

    🖼 Картинки по описанию
    ✏️ Правка фото словами
    🎬 Короткие видео

    На старт дарим 50 ⚡.

crashed =
    Что-то сломалось на нашей стороне, простите. Мы уже разбираемся.

    Попробуйте ещё раз через минуту. Если не поможет, { $contact ->
        [nobody] сообщите нам код
       *[other] напишите нам, { $contact }, и назовите код
    } <code>{ $code }</code>.

storage-away =
    Файл не получилось принять: хранилище сейчас не отвечает. Мы уже разбираемся.

    Пришлите его ещё раз через пару минут. Если не поможет, { $contact ->
        [nobody] сообщите нам код
       *[other] напишите нам, { $contact }, и назовите код
    } <code>{ $code }</code>.

blocked =
    Доступ к боту закрыт. Если это ошибка, { $contact ->
        [nobody] сообщите нам код
       *[other] напишите нам, { $contact }, и назовите код
    } <code>{ $id }</code>.
group-goodbye = Я работаю только в личных сообщениях. Напишите мне: @{ $username }
