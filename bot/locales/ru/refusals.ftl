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
refused-video_required = Для «{ $model }» нужно видео. Пришлите его с описанием в подписи.
refused-videos_not_supported = «{ $model }» не работает с видео. Пришлите слова или фото, либо выберите другую модель: /models
refused-video_too_long = Видео слишком длинное: «{ $model }» берёт до { $limit }. Обрежьте его и пришлите ещё раз.
refused-input_mismatch = «{ $model }» такое не берёт: { $input }. Пришлите без этого или выберите другую модель: /models
refused-input_mismatch-option = Чтобы добавить это ({ $input }), выберите для «{ $model }»: { $options }. Потом пришлите ещё раз: /models
refused-input_mismatch-needs = «{ $model }»: { $input } работает только вместе с: { $others }.
refused-input_mismatch-excludes = «{ $model }»: { $input } не сочетается с: { $others }. Пришлите что-то одно.
refused-parent_unusable = С этим результатом так больше нельзя: он слишком старый или сделан другим сервисом.
refused-link_not_supported = Эту ссылку я не открою. Пришлите ссылку на фото или видео либо сам файл.
refused-content_refused = Такое я не делаю. Ничего не списано. Опишите иначе, и продолжим.
refused-content_refused-minors = Детей в таком виде я не рисую и не снимаю. Ничего не списано.
refused-content_refused-sexual = Порнографию я не делаю. Ничего не списано. Опишите иначе, и продолжим.
refused-content_refused-undressing = Раздевать людей на фото я не буду. Ничего не списано. Можно поменять одежду, фон или стиль.
refused-content_refused-violence = С таким описанием не помогу: похоже на настоящее насилие или инструкцию к нему. Ничего не списано.
refused-content_refused-self_harm = Такое я не рисую. Если вам сейчас тяжело, поговорите с кем-то близким или с врачом: вы не одни. Ничего не списано.
refused-content_refused-hate = Угрозы и призывы против людей я не рисую. Ничего не списано. Опишите иначе, и продолжим.
refused-too_many_refusals = Слишком много отклонённых описаний подряд. Попробуйте снова через { $duration }.
refused-invalid_params = Эти настройки «{ $model }» больше не принимает. Выберите их заново: /models
refused-model_unavailable = «{ $model }» сейчас недоступна.
refused-model_unavailable-successor = Вместо неё есть «{ $successor }»: /models
refused-model_unavailable-others = Выберите другую модель: /models
refused-insufficient_tokens =
    Не хватает <b>{ $missing } ⚡</b>.

    Нужно { $needed } ⚡, на балансе { $balance } ⚡.
refused-too_many_running =
    { $limit ->
        [1] У вас уже идёт генерация. Дождитесь её или отмените: /cancel
        [one] У вас уже идёт { $limit } генерация. Дождитесь одной из них или отмените: /cancel
        [few] У вас уже идут { $limit } генерации. Дождитесь одной из них или отмените: /cancel
       *[other] У вас уже идут { $limit } генераций. Дождитесь одной из них или отмените: /cancel
    }
refused-cooldown_active = Чуть-чуть терпения: «{ $model }» снова можно запустить через { $duration }.
refused-daily_limit_reached = «{ $model }» на сегодня всё: { $limit } в день. Завтра продолжим, а пока есть другие модели: /models
refused-user_blocked = Доступ к боту закрыт.
refused-other = Этот заказ сейчас принять не могу. Ничего не списано. Попробуйте изменить описание или модель: /models

enough-for = На { $balance } ⚡ можно сделать:
