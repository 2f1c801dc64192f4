progress-title = { $emoji } <b>{ $model }</b>{ $options }
progress-price = Списано { $price } ⚡, осталось { $balance } ⚡
progress-starting = ⏳ Начинаю…
progress-queued =
    ⏳ { $place ->
        [1] Вы следующий в очереди
       *[other] Вы { $place }-й в очереди
    }, обычно готово через { $duration }
progress-working = ⏳ Рисую: прошло { $elapsed }, обычно { $duration }
progress-working-video = ⏳ Снимаю: прошло { $elapsed }, обычно { $duration }
progress-late = ⏳ Прошло { $elapsed }. Дольше обычного, но работа идёт
progress-bar = { $bar } { $percent } %
progress-storing = ⏳ Почти готово, забираю результат
progress-sending = ⏳ Готово, отправляю

button-cancel = ✖️ Отменить

cancel-asked = Отменяю. Токены вернутся.
cancel-too-late = Уже не отменить: модель заканчивает работу.
cancel-dropped = Хорошо, забыли. Напишите, что нарисовать.
cancel-nothing = Отменять нечего. Напишите, что нарисовать.
cancel-running =
    { $n ->
        [one] Сейчас идёт { $n } генерация. Отменить её?
        [few] Сейчас идут { $n } генерации. Какую отменить?
       *[other] Сейчас идут { $n } генераций. Какую отменить?
    }
cancel-one = ✖️ { $model } · { $prompt }
cancel-no-prompt = без описания

finished-cancelled = ✖️ Отменено.
finished-failed = 😔 { $reason }
finished-tokens-back = Вернул { $tokens } ⚡, на балансе { $balance } ⚡.
finished-done = ✅ { $model }: готово
button-retry = 🔁 Попробовать ещё раз · { $price } ⚡

failure-content_blocked = Фильтр безопасности модели не пропустил это описание или фото. Попробуйте сказать иначе.
failure-invalid_request = Модель не смогла понять этот заказ. Попробуйте другое описание, фото или настройки.
failure-rate_limited = Модель сейчас перегружена запросами. Попробуйте через пару минут.
failure-quota_exhausted = Модель временно не принимает заказы. Мы уже знаем и чиним. Попробуйте другую: /models
failure-auth_failed = Модель временно недоступна. Мы уже знаем и чиним. Попробуйте другую: /models
failure-model_retired = Эта модель больше не работает. Выберите другую: /models
failure-provider_unavailable = Модель сейчас не отвечает. Попробуйте чуть позже или возьмите другую: /models
failure-timed_out = Модель думала слишком долго, и мы её остановили. Попробуйте ещё раз.
failure-ambiguous = Связь с моделью оборвалась, и результат не пришёл. Попробуйте ещё раз.
failure-bad_result = Модель прислала испорченный файл. Попробуйте ещё раз.
failure-undeliverable = Telegram не принял результат. Попробуйте ещё раз.
failure-other = Не получилось, и виноваты мы, а не вы. Попробуйте ещё раз.
