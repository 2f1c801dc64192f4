result-title = <b>{ $model }</b>{ $options }
result-price = Списано { $price } ⚡, осталось { $balance } ⚡
result-price-partly = Списано { $price } ⚡ ({ $refunded } ⚡ вернул: получилось не всё), осталось { $balance } ⚡
result-many =
    ⬆️ { $n ->
        [one] { $n } результат
        [few] { $n } результата
       *[other] { $n } результатов
    }. Что дальше?
result-link =
    { $n ->
        [one] Файл слишком большой для Telegram. Скачайте его по ссылке, она работает { $days } дней:
       *[other] Файлы слишком большие для Telegram. Скачайте их по ссылкам, они работают { $days } дней:
    }
result-link-name = Скачать { $n } ({ $megabytes } МБ)

button-again = 🔁 Ещё раз · { $price } ⚡
button-change = ✏️ Изменить
button-original = 📎 Оригинал

change-ask = Что изменить? Напишите словами. { $model }, { $price } ⚡.
change-ask-video = Напишите новое описание, сниму заново. { $model }, { $price } ⚡.
again-started = Запускаю ещё раз
again-already = Уже запустил, секунду
original-sending = Отправляю файл
original-caption = Оригинал без сжатия
result-gone = Этого результата у меня больше нет. Напишите описание, и я сделаю новый.

option-duration = { $n } с
option-quantity = × { $n }
change-not-kept = Ответьте словами прямо на картинку, и я изменю её.

button-follow-vary = 🎲 Вариация · { $price } ⚡
button-follow-upscale = 🔍 Крупнее · { $price } ⚡
button-follow-animate = 🎬 Оживить · { $price } ⚡
button-follow-extend = ➕ Продлить · { $price } ⚡
button-follow-number = № { $n }
button-go-animate = 🎬 Оживить как есть · { $price } ⚡
button-go-extend = ➕ Продлить как есть · { $price } ⚡
follow-which-vary = Какую картинку варьировать? { $price } ⚡.
follow-which-upscale = Какую картинку увеличить? { $price } ⚡.
follow-which-animate = Какую картинку оживить? { $price } ⚡.
follow-which-extend = Какое видео продлить? { $price } ⚡.
follow-ask-animate = Опишите движение словами или нажмите кнопку. Работает <b>{ $model }</b>, { $price } ⚡.
follow-ask-extend = Опишите, что будет дальше, или нажмите кнопку. Работает <b>{ $model }</b>, { $price } ⚡.
follow-animate-prompt = Лёгкое естественное движение, плавная камера
follow-extend-prompt = Сцена естественно продолжается, движение и камера плавные
follow-gone = С этим результатом так больше нельзя.
