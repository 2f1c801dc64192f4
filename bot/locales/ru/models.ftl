models-title = <b>Модели и цены</b>
models-images = 🖼 <b>Картинки</b>
models-videos = 🎬 <b>Видео</b>
models-entry =
    <b>{ $model }</b>: { $price }, обычно { $duration }
    { $purpose }
models-choose = Нажмите на модель, чтобы выбрать её.
models-retired = <i>{ $model } больше не работает. Вместо неё: { $successor }.</i>
models-none = Сейчас все модели отдыхают. Загляните чуть позже.
models-none-videos = Видео сейчас недоступно. Картинки рисую: просто напишите, что хотите увидеть.

price-image = { $price } ⚡ за картинку
price-video = { $price } ⚡ за { $duration }
price-generation = { $price } ⚡

models-button = { $model } · { $price } ⚡ · { $duration }
models-button-preferred = ✓ { $model } · { $price } ⚡ · { $duration }

card-title = <b>{ $model }</b>
card-price = Цена: <b>{ $price } ⚡</b>, обычно { $duration }.
card-option = { $option }: { $value }
card-auto = авто
card-option-button-priced = { $value } · { $price } ⚡
card-option-button-chosen = ✓ { $value }
card-takes-photos =
    { $n ->
        [one] Можно добавить { $n } фото.
       *[other] Можно добавить до { $n } фото.
    }
card-needs-photo = Нужно фото: пришлите его вместе с описанием в подписи.
card-needs-video = Нужно видео: пришлите его вместе с описанием в подписи.
card-has-video = Видео добавлено.
card-takes-inputs = Можно добавить: { $inputs }.
card-needs-inputs = Нужно фото. Можно добавить: { $inputs }.
card-frames = Первое фото начнёт видео, второе закончит.
input-image = фото
input-start = первый кадр
input-end = последний кадр
input-reference = образцы
input-mask = маска
input-video = видео
input-most = до { $n }
card-has-photos =
    { $n ->
        [one] Добавлено { $n } фото.
       *[other] Добавлено { $n } фото.
    }
card-ask-image = <b>Напишите, что нарисовать.</b>
card-ask-video = <b>Опишите, что должно происходить в видео.</b>
card-is-preferred = Теперь рисую ею по умолчанию.
card-not-kept = Настройки сейчас не сохраняются, но написать описание можно как обычно.
card-unavailable = «{ $model }» сейчас недоступна. Выберите другую модель: /models
card-retired = «{ $model }» больше не работает. Вот замена: «{ $successor }».
card-choose-value = <b>{ $model }</b>. { $option }:
button-back-to-card = ‹ { $model }
button-all-models = ‹ Все модели
button-open-app = 📱 Все модели в приложении
button-open-form = 📱 Настроить в приложении
card-option-value = { $value } – { $price } ⚡
