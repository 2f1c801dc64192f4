refused-empty_prompt = Здесь не хватает слов. Напишите, что хотите увидеть.
refused-prompt_too_long =
    Описание слишком длинное: { $length ->
        [one] { $length } знак
        [few] { $length } знака
       *[other] { $length } знаков
    }, а можно до { $limit }. Сократите его и пришлите ещё раз.
refused-too_many_images =
    { $n ->
        [one] Вы прислали { $n } фото
       *[other] Вы прислали { $n } фото
    }, а { $model } берёт { $limit ->
        [one] только { $limit }
       *[other] не больше { $limit }
    }. Пришлите меньше.
refused-image_required = Для «{ $model }» нужно фото. Пришлите его с описанием в подписи.
refused-images_not_supported = «{ $model }» не работает с фото. Пришлите одни слова или выберите другую модель: /models
refused-invalid_params = Эти настройки «{ $model }» больше не принимает. Выберите их заново: /models
refused-model_unavailable = «{ $model }» сейчас недоступна.
refused-model_unavailable-successor = Вместо неё есть «{ $successor }»: /models
refused-model_unavailable-others = Выберите другую модель: /models
refused-insufficient_tokens =
    Не хватает <b>{ $missing } ⚡</b>.

    Нужно { $needed } ⚡, на балансе { $balance } ⚡.
refused-too_many_running =
    { $limit ->
        [one] У вас уже идёт { $limit } генерация.
        [few] У вас уже идут { $limit } генерации.
       *[other] У вас уже идут { $limit } генераций.
    } Дождитесь одной из них или отмените: /cancel
refused-cooldown_active = Чуть-чуть терпения: «{ $model }» снова можно запустить через { $duration }.
refused-daily_limit_reached = «{ $model }» на сегодня всё: { $limit } в день. Завтра продолжим, а пока есть другие модели: /models
refused-user_blocked = Доступ к боту закрыт.
refused-other = Этот заказ сейчас принять не могу. Ничего не списано. Попробуйте изменить описание или модель: /models

enough-for = На { $balance } ⚡ можно сделать:
