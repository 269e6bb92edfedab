
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import psqlextra.manager.manager
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Signature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile', models.CharField(max_length=50)),
                ('key', models.CharField(help_text='snake_case', max_length=200)),
                ('normal_form', models.CharField(help_text='the normal form, shared by all spellings of the key', max_length=200)),
                ('created_at', models.DateTimeField()),
                ('vector_model', models.CharField(blank=True, max_length=100)),
                ('vector_sum', models.BinaryField(blank=True, help_text='float32, of all its themes; roots only', null=True)),
                ('size', models.PositiveIntegerField(default=0, help_text='how many vectors the sum contains')),
            ],
            managers=[
                ('objects', psqlextra.manager.manager.PostgresManager()),
            ],
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile', models.CharField(max_length=50)),
                ('extractor', models.CharField(max_length=50)),
                ('parameters', models.JSONField(default=dict, help_text='the options of the run: since, until, limit, concurrency ...')),
                ('versions', models.JSONField(default=dict, help_text='of extractor, model, profile and signature rules')),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('stopping', 'Stopping'), ('stopped', 'Stopped'), ('completed', 'Completed'), ('completed_with_errors', 'Completed With Errors'), ('needs_attention', 'Needs Attention'), ('failed', 'Failed'), ('lost', 'Lost')], default='pending', max_length=30)),
                ('phase', models.CharField(choices=[('plan', 'Plan'), ('extract', 'Extract'), ('merge', 'Merge'), ('group', 'Group'), ('finish', 'Finish'), ('done', 'Done')], default='plan', max_length=10)),
                ('epoch', models.PositiveIntegerField(default=1, help_text='attempts so far; tasks of an earlier attempt cannot write')),
                ('as_of', models.DateTimeField(blank=True, help_text='recency counts from here', null=True)),
                ('is_preview', models.BooleanField(default=False, help_text='a dry run: planned and estimated, but nothing read')),
                ('preview', models.JSONField(blank=True, null=True)),
                ('planned_count', models.PositiveIntegerField(blank=True, help_text='number of items planned; if there are fewer now, some were lost', null=True)),
                ('error', models.TextField(blank=True)),
                ('attention', models.TextField(blank=True, help_text='why a person should check this run')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('first_finished_at', models.DateTimeField(blank=True, help_text='when it first finished; its results count from then on, even while it is being salvaged', null=True)),
                ('seconds_before', models.FloatField(default=0, help_text='worked in earlier attempts, before it was reopened')),
                ('heartbeat_at', models.DateTimeField(blank=True, help_text='last heartbeat from any worker on this run', null=True)),
                ('dispatched_at', models.DateTimeField(blank=True, help_text='when chunks were last dispatched', null=True)),
                ('advance_claimed_at', models.DateTimeField(blank=True, help_text='since when someone merges or groups', null=True)),
                ('phase_count', models.PositiveSmallIntegerField(default=0, help_text='how often this phase was started without an end being recorded')),
                ('stop_requested_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('operate_run', 'Can start, stop, resume and salvage runs')],
            },
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(help_text='its ID in the source', max_length=200)),
                ('customer', models.CharField(blank=True, help_text='empty: unknown, counted as a separate customer', max_length=200)),
                ('occurred_at', models.DateTimeField(help_text='when it started')),
                ('occurred_at_is_import_time', models.BooleanField(default=False, help_text='the source has no time')),
                ('url', models.CharField(blank=True, max_length=2000)),
                ('label', models.CharField(blank=True, help_text='the group a person put it in, for evaluation', max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('classified_at', models.DateTimeField(blank=True, help_text='when another system classified it', null=True)),
                ('first_run', models.ForeignKey(blank=True, help_text='never changed once set', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.run')),
            ],
        ),
        migrations.CreateModel(
            name='Theme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile', models.CharField(max_length=50)),
                ('raw_signature', models.CharField(help_text='as proposed by the reader; never changed', max_length=200)),
                ('raw_key', models.CharField(help_text='its normal form: the same for all spellings', max_length=200)),
                ('category', models.CharField(max_length=50)),
                ('summary', models.TextField(help_text='one sentence')),
                ('confidence', models.FloatField(help_text='0 to 1, as judged by the reader')),
                ('details', models.JSONField(blank=True, help_text='further details the profile asks for: severity, root cause ...', null=True)),
                ('gate_score', models.FloatField(blank=True, help_text='how well its name fits, 0 to 1; empty: not given by the reader', null=True)),
                ('gate_reason', models.CharField(blank=True, db_default='', help_text='why it is not grouped with others; empty: it is grouped', max_length=200)),
                ('unread_language', models.CharField(blank=True, db_default='', help_text='the language, if the model does not know it; then the vector only represents the words themselves', max_length=10)),
                ('vector', models.BinaryField(help_text='float32, unit length')),
                ('vector_model', models.CharField(help_text='vectors of different models are never compared', max_length=100)),
                ('signature_rule', models.CharField(blank=True, help_text='why this signature: name, registry or meaning', max_length=50)),
                ('signature_score', models.FloatField(blank=True, help_text='cosine to the centre of its signature when it was assigned', null=True)),
                ('registry_version', models.PositiveBigIntegerField(blank=True, help_text='the change of the registry that assigned it; themes merged together share one', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='QueueHeartbeat',
            fields=[
                ('queue', models.CharField(max_length=50, primary_key=True, serialize=False)),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Registry',
            fields=[
                ('profile', models.CharField(max_length=50, primary_key=True, serialize=False)),
                ('version', models.PositiveBigIntegerField(default=0)),
                ('consolidated_count', models.PositiveIntegerField(default=0, help_text='how many themes there were when all were last grouped')),
                ('consolidated_stories', models.PositiveIntegerField(default=0, help_text='how many signatures had enough themes for a story then')),
            ],
            options={
                'verbose_name_plural': 'registries',
            },
        ),
        migrations.CreateModel(
            name='SignatureRoot',
            fields=[
                ('signature', models.OneToOneField(db_column='signature_id', on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='root_link', serialize=False, to='pipeline.signature')),
            ],
            options={
                'db_table': 'pipeline_signature_root',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='budget', serialize=False, to='pipeline.run')),
                ('most_cost', models.DecimalField(blank=True, decimal_places=9, help_text='US dollars', max_digits=16, null=True)),
                ('most_tokens', models.PositiveBigIntegerField(blank=True, help_text='input and output', null=True)),
                ('spent_cost', models.DecimalField(decimal_places=9, default=0, max_digits=16)),
                ('spent_tokens', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name='signature',
            name='created_run',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='signatures', to='pipeline.run'),
        ),
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chunk', models.PositiveIntegerField()),
                ('remote_id', models.CharField(help_text="the provider's ID for it", max_length=200)),
                ('requests', models.JSONField(help_text='for each request by name: item, request hash, step, unit and size in bytes')),
                ('faults', models.JSONField(help_text='requests refused permanently: a list of item, step, unit, status and body')),
                ('made_at', models.DateTimeField()),
                ('looked_at', models.DateTimeField(blank=True, help_text='when its status was last requested from the provider', null=True)),
                ('settled_at', models.DateTimeField(blank=True, help_text='when its answers were stored as calls', null=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='batches', to='pipeline.run')),
            ],
            options={
                'verbose_name_plural': 'batches',
            },
        ),
        migrations.CreateModel(
            name='Company',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(help_text='its ID in the imported list', max_length=100)),
                ('name', models.CharField(max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict, help_text='the other columns of the imported list')),
                ('status', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], default='unknown', help_text='as concluded from its pages', max_length=20)),
                ('confidence', models.PositiveSmallIntegerField(default=0, help_text='how certain the concluded status is, from 0 to 100')),
                ('explanation', models.TextField(blank=True, help_text='the reason for that status, in a sentence')),
                ('concluded_at', models.DateTimeField(blank=True, null=True)),
                ('override', models.CharField(blank=True, choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text='status set by a person; applies until it is cleared', max_length=20)),
                ('override_reason', models.TextField(blank=True)),
                ('override_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField(help_text='when the list last changed its row')),
                ('concluded_run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='concluded_companies', to='pipeline.run')),
                ('override_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'companies',
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ContextDocument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile', models.CharField(max_length=50)),
                ('name', models.CharField(max_length=200)),
                ('area', models.CharField(blank=True, help_text='area of the product; empty: any', max_length=200)),
                ('text', models.TextField()),
                ('content_hash', models.CharField(help_text='sha256 of the text', max_length=64)),
                ('stored_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['profile', 'name'],
                'constraints': [models.UniqueConstraint(fields=('profile', 'name'), name='one_document_per_profile_and_name')],
            },
        ),
        migrations.CreateModel(
            name='SearchText',
            fields=[
                ('conversation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_text', serialize=False, to='pipeline.conversation')),
                ('config', models.CharField(help_text="PostgreSQL's text search configuration for its language; simple: words as they are", max_length=20)),
                ('words', django.contrib.postgres.search.SearchVectorField(help_text='IDs, customer and label as they are, and the text by its language')),
            ],
        ),
        migrations.CreateModel(
            name='CompanyUrl',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(help_text='in ASCII, without a fragment', max_length=2000)),
                ('host', models.CharField(help_text='host and port; request limits apply to each', max_length=260)),
                ('created_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, help_text='when it was removed from the list; it is not fetched any more', null=True)),
                ('outcome', models.CharField(blank=True, choices=[('ok', 'read'), ('unchanged', 'unchanged'), ('empty', 'answered without any text'), ('dead', 'dead (no such host, 404 or 410)'), ('soft_404', 'shows a "not found" message with status 200'), ('parked', 'parked domain'), ('login', 'asks to sign in'), ('paywall', 'asks for a subscription'), ('cookie_wall', 'asks for consent first'), ('needs_javascript', 'shows nothing without JavaScript'), ('blocked', 'refuses requests (403 or 429)'), ('too_large', 'too large to read'), ('not_html', 'not a web page'), ('timeout', 'too slow'), ('tls', 'its certificate is not trusted'), ('robots', 'disallowed by robots.txt'), ('unsafe_address', 'leads to an address that must not be fetched'), ('unreachable', 'the connection was refused or lost'), ('server_error', 'server error (5xx)'), ('bad_redirect', 'redirects in a loop or to nowhere')], help_text='outcome of the last fetch; empty: never fetched', max_length=20)),
                ('detail', models.CharField(blank=True, help_text='details of the last outcome', max_length=300)),
                ('checked_at', models.DateTimeField(blank=True, help_text='when it was last fetched', null=True)),
                ('good_at', models.DateTimeField(blank=True, help_text='when its current text was last seen', null=True)),
                ('etag', models.CharField(blank=True, max_length=300)),
                ('last_modified', models.CharField(blank=True, max_length=100)),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='urls', to='pipeline.company')),
                ('conversation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='page', to='pipeline.conversation')),
            ],
            options={
                'verbose_name': 'page',
                'ordering': ['company', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ConversationVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', models.CharField(help_text='sha256 of the messages', max_length=64)),
                ('messages', models.JSONField(help_text='a list of {role, author, text, created_at}, in order')),
                ('stored_at', models.DateTimeField()),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='pipeline.conversation')),
            ],
        ),
        migrations.AddField(
            model_name='conversation',
            name='current_version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.conversationversion'),
        ),
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base_url', models.CharField(max_length=500)),
                ('model', models.CharField(max_length=100)),
                ('abilities', models.JSONField(help_text='which request options it supports; see extract.llm.abilities')),
                ('probed_at', models.DateTimeField(help_text='when this was determined')),
            ],
            options={
                'ordering': ['base_url', 'model'],
                'constraints': [models.UniqueConstraint(fields=('base_url', 'model'), name='one_endpoint_per_address_and_model')],
            },
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chunk', models.PositiveIntegerField(help_text='the task that reads it')),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('reading', 'Reading'), ('extracted', 'Extracted'), ('filtered', 'Filtered'), ('skipped', 'Skipped'), ('failed', 'Failed')], default='pending', max_length=20)),
                ('reason', models.CharField(blank=True, help_text='why it was filtered, skipped or failed, in a few words', max_length=200)),
                ('stage', models.CharField(blank=True, choices=[('fetch', 'Fetch'), ('read', 'Read'), ('parse', 'Parse'), ('store', 'Store')], max_length=10)),
                ('error_class', models.CharField(blank=True, max_length=200)),
                ('error', models.TextField(blank=True)),
                ('category', models.CharField(blank=True, max_length=50)),
                ('language', models.CharField(blank=True, db_default='', help_text="language of the customer's own words (BCP 47); und: undetermined", max_length=10)),
                ('flaws', models.JSONField(blank=True, help_text='how often something in its answers was corrected: repaired, asked_again, unasked, quotes_dropped', null=True)),
                ('epoch', models.PositiveIntegerField(default=0, help_text="the run's epoch when it was last claimed")),
                ('claim', models.CharField(blank=True, help_text='the delivery that is reading it; only that one may write', max_length=64)),
                ('claimed_at', models.DateTimeField(blank=True, help_text='renewed while it is being read', null=True)),
                ('delivery_count', models.PositiveSmallIntegerField(default=0, help_text='how often a worker started to read it')),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='pipeline.conversation')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='pipeline.run')),
                ('version', models.ForeignKey(blank=True, help_text='what is read; a page that was not fetched yet, or could not be, has none', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='pipeline.conversationversion')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Call',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(choices=[('classify', 'Classify'), ('extract', 'Extract'), ('reask', 'Reask'), ('validate', 'Validate'), ('review', 'Review'), ('title', 'Title')], default='extract', max_length=20)),
                ('unit', models.CharField(blank=True, help_text='part of the conversation asked about (empty: all of it); for a reask, the step and part it repeats', max_length=100)),
                ('attempt', models.PositiveSmallIntegerField(help_text='counts the answers to one question about an item')),
                ('request_hash', models.CharField(blank=True, help_text='sha256 of version, profile and extractor: same question; empty: put aside, asked again', max_length=64)),
                ('answer', models.TextField(blank=True, help_text='as received; empty if the bytes are not text')),
                ('raw', models.BinaryField(blank=True, db_default=b'', help_text='as received, if the bytes are not text')),
                ('vectors', models.BinaryField(blank=True, default=b'', help_text='float32, one row a theme; empty once its themes have them')),
                ('vectors_hash', models.CharField(blank=True, db_default='', help_text='sha256 of what its themes were given; empty until then', max_length=64)),
                ('prompt', models.CharField(blank=True, db_default='', help_text="version of the profile's prompt, if a language model was asked", max_length=50)),
                ('model', models.CharField(blank=True, db_default='', help_text='the language model asked', max_length=100)),
                ('finish_reason', models.CharField(blank=True, max_length=50)),
                ('input_tokens', models.PositiveIntegerField(default=0)),
                ('output_tokens', models.PositiveIntegerField(default=0)),
                ('cached_tokens', models.PositiveIntegerField(db_default=0, help_text='input tokens the provider had in its cache')),
                ('asked_bytes', models.PositiveIntegerField(db_default=0, help_text='size of the request, used to learn how many bytes make a token')),
                ('cost', models.DecimalField(blank=True, decimal_places=9, help_text='US dollars; empty: unknown or none', max_digits=16, null=True)),
                ('seconds', models.FloatField(blank=True, help_text='from sending the request to the last byte of the answer', null=True)),
                ('answered_at', models.DateTimeField()),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calls', to='pipeline.item')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='MergePass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile', models.CharField(max_length=50)),
                ('kind', models.CharField(choices=[('join', 'new themes joined the existing groups'), ('consolidation', 'all themes were regrouped')], max_length=20)),
                ('rules', models.CharField(help_text='version of the rules that grouped the themes', max_length=100)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry this was')),
                ('theme_count', models.PositiveIntegerField(help_text='how many themes were covered')),
                ('new_count', models.PositiveIntegerField(help_text='how many of them were new')),
                ('moved_count', models.PositiveIntegerField(help_text='how many moved from one signature to another')),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(blank=True, help_text='the run whose merge this was', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='passes', to='pipeline.run')),
            ],
            options={
                'verbose_name_plural': 'merge passes',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='NewVector',
            fields=[
                ('theme', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='new_vector', serialize=False, to='pipeline.theme')),
                ('vector', models.BinaryField(help_text='float32, unit length')),
                ('vector_model', models.CharField(max_length=100)),
                ('unread_language', models.CharField(blank=True, db_default='', max_length=10)),
            ],
        ),
        migrations.AddField(
            model_name='theme',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='themes', to='pipeline.conversation'),
        ),
        migrations.AddField(
            model_name='theme',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='themes', to='pipeline.item'),
        ),
        migrations.AddField(
            model_name='theme',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='themes', to='pipeline.run'),
        ),
        migrations.AddField(
            model_name='theme',
            name='signature',
            field=models.ForeignKey(blank=True, help_text='assigned by merge', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='themes', to='pipeline.signature'),
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quote', models.TextField()),
                ('start', models.PositiveIntegerField(help_text="in characters from the start of the version's text")),
                ('end', models.PositiveIntegerField()),
                ('details', models.JSONField(blank=True, help_text='what the profile adds to it, such as the kind of a figure of speech', null=True)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.conversationversion')),
                ('theme', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='pipeline.theme')),
            ],
            options={
                'verbose_name_plural': 'evidence',
            },
        ),
        migrations.CreateModel(
            name='ContextUsage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('offered', models.JSONField(default=list, help_text='names of the documents that were given to the reader')),
                ('used', models.JSONField(default=list, help_text='names of those the reader says it used')),
                ('missing', models.CharField(blank=True, help_text='what is missing from the documents; empty: nothing', max_length=300)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.conversation')),
                ('theme', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='context_usage', to='pipeline.theme')),
            ],
            options={
                'verbose_name_plural': 'context usage',
            },
        ),
        migrations.CreateModel(
            name='Reassignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField()),
                ('merge_pass', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reassignments', to='pipeline.mergepass')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.signature')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.signature')),
                ('theme', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reassignments', to='pipeline.theme')),
            ],
        ),
        migrations.CreateModel(
            name='Rename',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(blank=True)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry recorded it')),
                ('created_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('profile', models.CharField(max_length=50)),
                ('old_key', models.CharField(max_length=200)),
                ('new_key', models.CharField(max_length=200)),
                ('new_form', models.CharField(blank=True, help_text='the normal form of the new name if it differs; themes with it are assigned here too', max_length=200)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='renames', to='pipeline.signature')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(help_text='the list: stories or search', max_length=30)),
                ('name', models.CharField(max_length=80)),
                ('query', models.CharField(blank=True, help_text='the query string of its address (after the ?)', max_length=2000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['page', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', models.CharField(help_text='sha256 of the text', max_length=64)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('first_seen_at', models.DateTimeField()),
                ('company_url', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snapshots', to='pipeline.companyurl')),
                ('version', models.OneToOneField(help_text='the conversation version that holds the text', on_delete=django.db.models.deletion.PROTECT, related_name='snapshot', to='pipeline.conversationversion')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Fetch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField(help_text='the delivery of the item that it belongs to')),
                ('outcome', models.CharField(choices=[('ok', 'read'), ('unchanged', 'unchanged'), ('empty', 'answered without any text'), ('dead', 'dead (no such host, 404 or 410)'), ('soft_404', 'shows a "not found" message with status 200'), ('parked', 'parked domain'), ('login', 'asks to sign in'), ('paywall', 'asks for a subscription'), ('cookie_wall', 'asks for consent first'), ('needs_javascript', 'shows nothing without JavaScript'), ('blocked', 'refuses requests (403 or 429)'), ('too_large', 'too large to read'), ('not_html', 'not a web page'), ('timeout', 'too slow'), ('tls', 'its certificate is not trusted'), ('robots', 'disallowed by robots.txt'), ('unsafe_address', 'leads to an address that must not be fetched'), ('unreachable', 'the connection was refused or lost'), ('server_error', 'server error (5xx)'), ('bad_redirect', 'redirects in a loop or to nowhere')], max_length=20)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('http_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('final_url', models.CharField(blank=True, help_text='final address after redirects, if any', max_length=2000)),
                ('byte_count', models.PositiveIntegerField(default=0, help_text='size of the unpacked body')),
                ('seconds', models.FloatField(default=0)),
                ('is_stand_in', models.BooleanField(default=False, help_text='the snapshot is an earlier one, because the page could not be fetched')),
                ('added_count', models.PositiveIntegerField(default=0, help_text='number of added lines')),
                ('removed_count', models.PositiveIntegerField(default=0, help_text='number of removed lines')),
                ('moved_count', models.PositiveIntegerField(default=0, help_text='number of moved lines')),
                ('magnitude', models.CharField(blank=True, choices=[('none', 'nothing relevant'), ('minor', 'minor (less than 10 %)'), ('moderate', 'moderate'), ('major', 'major (more than 30 %)')], help_text='empty: not compared', max_length=10)),
                ('fetched_at', models.DateTimeField()),
                ('company_url', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fetches', to='pipeline.companyurl')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fetches', to='pipeline.item')),
                ('previous', models.ForeignKey(blank=True, help_text='the snapshot before this one', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pipeline.snapshot')),
                ('snapshot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='fetches', to='pipeline.snapshot')),
            ],
            options={
                'verbose_name_plural': 'fetches',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='companyurl',
            name='snapshot',
            field=models.ForeignKey(blank=True, help_text='the snapshot taken then', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.snapshot'),
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=50)),
                ('name', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('repeated_passages', models.JSONField(blank=True, default=list, help_text='a list of {key, text, said_by, conversations}: what its conversations share word for word')),
                ('reading', models.JSONField(blank=True, default=dict, help_text='what a person set for its files (mapping, encoding, date format); also used for later imports')),
                ('cursor', models.TextField(blank=True, help_text='how far a live source has been read')),
            ],
            options={
                'ordering': ['kind', 'name'],
                'constraints': [models.UniqueConstraint(fields=('kind', 'name'), name='one_source_per_kind_and_name')],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='pipeline.source'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conversations', to='pipeline.source'),
        ),
        migrations.CreateModel(
            name='Split',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(blank=True)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry recorded it')),
                ('created_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('threshold', models.FloatField(blank=True, help_text='least cosine within a part; empty: conversations were chosen by hand', null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='made_by', to='pipeline.signature')),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='splits', to='pipeline.signature')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Move',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(blank=True)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry recorded it')),
                ('created_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('rule_before', models.CharField(blank=True, help_text="the theme's rule at its source", max_length=50)),
                ('score_before', models.FloatField(blank=True, help_text="the theme's score at its source", null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.signature')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.signature')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('theme', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='pipeline.theme')),
                ('split', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='pipeline.split')),
            ],
            options={
                'ordering': ['id'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='StatusChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('concluded', 'concluded from its pages'), ('overridden', 'set by a person'), ('cleared', 'status set by a person was cleared')], max_length=20)),
                ('before', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text='the status that applied before', max_length=20)),
                ('after', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text='the status that applies since', max_length=20)),
                ('concluded', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text='what the pages said at that moment', max_length=20)),
                ('confidence', models.PositiveSmallIntegerField(default=0)),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='history', to='pipeline.company')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='pipeline.run')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Story',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True)),
                ('status', models.CharField(choices=[('candidate', 'Candidate'), ('approved', 'Approved'), ('in_progress', 'In Progress'), ('done', 'Done'), ('dismissed', 'Dismissed'), ('emptied', 'Emptied')], default='candidate', max_length=20)),
                ('status_before', models.CharField(blank=True, choices=[('candidate', 'Candidate'), ('approved', 'Approved'), ('in_progress', 'In Progress'), ('done', 'Done'), ('dismissed', 'Dismissed'), ('emptied', 'Emptied')], help_text='the status before its last conversation left; restored when it has one again', max_length=20)),
                ('category', models.CharField(help_text='the most common category of its themes', max_length=50)),
                ('confidence', models.PositiveSmallIntegerField(default=0, help_text='how certain it is, from 0 to 100, that this is one real problem')),
                ('confidence_parts', models.JSONField(default=dict, help_text='size, cohesion, evidence and reader, each from 0 to 1')),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('reviewed_at', models.DateTimeField(blank=True, null=True)),
                ('edited_at', models.DateTimeField(blank=True, help_text='when a person last edited the title or description', null=True)),
                ('ticket_url', models.CharField(blank=True, db_default='', help_text='the ticket where it is worked on', max_length=2000)),
                ('titled_at', models.DateTimeField(blank=True, help_text="when its title was chosen; empty: not yet, so its signature's name is shown", null=True)),
                ('title_size', models.PositiveIntegerField(default=0, help_text='number of its conversations when its title was chosen')),
                ('absorbed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='absorbed', to='pipeline.story')),
                ('edited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('first_run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='new_stories', to='pipeline.run')),
                ('owner', models.ForeignKey(blank=True, help_text='the person responsible for it', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('recurs_from', models.ForeignKey(blank=True, help_text='the story that was done before this problem came back', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='recurrences', to='pipeline.story')),
                ('reviewed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stories', to='pipeline.signature')),
            ],
            options={
                'verbose_name_plural': 'stories',
            },
        ),
        migrations.CreateModel(
            name='Orphan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('language', 'Language'), ('too_few', 'Too Few'), ('not_recent', 'Not Recent'), ('low_confidence', 'Low Confidence'), ('no_evidence', 'No Evidence'), ('held', 'Held')], max_length=20)),
                ('detail', models.CharField(help_text='what it still needs to pass all gates, in words', max_length=400)),
                ('missing_conversations', models.PositiveSmallIntegerField(default=0, help_text='how many more conversations it needs for a story; 0 if something else holds it back')),
                ('confidence', models.PositiveSmallIntegerField(default=0, help_text='how certain it is, from 0 to 100, that this is one real problem')),
                ('confidence_parts', models.JSONField(default=dict, help_text='size, cohesion, evidence and reader, each from 0 to 1')),
                ('nearest_cosine', models.FloatField(blank=True, help_text='between the two centres', null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('graduated_at', models.DateTimeField(blank=True, null=True)),
                ('dismissed_at', models.DateTimeField(blank=True, null=True)),
                ('dismissed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orphans', to='pipeline.signature')),
                ('nearest_story', models.ForeignKey(blank=True, help_text='the most similar open story when this was last evaluated', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='near_orphans', to='pipeline.story')),
                ('story', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='graduates', to='pipeline.story')),
            ],
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(blank=True)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry recorded it')),
                ('created_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('rule', models.CharField(help_text='person, or the name of the rule', max_length=50)),
                ('rule_version', models.CharField(blank=True, max_length=100)),
                ('vector_model', models.CharField(blank=True, help_text='the model whose vectors the score compares', max_length=100)),
                ('score', models.FloatField(blank=True, help_text="cosine between the child's centre and the parent's", null=True)),
                ('child', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges', to='pipeline.signature')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merged_children', to='pipeline.signature')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='merges', to='pipeline.run')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('story', models.ForeignKey(blank=True, help_text="the child's open story, absorbed by the parent's or taken over by it; undoing restores it", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='handed_over_by', to='pipeline.story')),
            ],
            options={
                'ordering': ['id'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('removed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('story', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='pipeline.story')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(choices=[('status', 'Status'), ('title', 'Title'), ('description', 'Description'), ('owner', 'Owner'), ('ticket', 'Ticket'), ('dismissal', 'Dismissal'), ('promotion', 'Promotion'), ('left', 'Left')], max_length=20)),
                ('before', models.JSONField(default=dict, help_text='the values of the changed columns before')),
                ('after', models.JSONField(default=dict, help_text='the values of the changed columns after')),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('orphan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='pipeline.orphan')),
                ('story', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='pipeline.story')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='StoryEvidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('in_title', models.BooleanField(db_default=False, help_text='was in the story when its title was chosen')),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stories', to='pipeline.conversation')),
                ('run', models.ForeignKey(help_text='the run that added it', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='pipeline.run')),
                ('story', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='pipeline.story')),
                ('theme', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pipeline.theme')),
            ],
            options={
                'verbose_name_plural': 'story evidence',
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('name', models.CharField(help_text="the file name on the person's machine", max_length=255)),
                ('size', models.PositiveBigIntegerField(help_text='bytes')),
                ('created_at', models.DateTimeField()),
                ('imported', models.CharField(blank=True, help_text='the outcome for its rows, in words', max_length=200)),
                ('rejects', models.JSONField(blank=True, default=list, help_text='the first rejected rows, as {line, unit, reason, raw}')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='uploads', to='pipeline.run')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Veto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(blank=True)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry recorded it')),
                ('created_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('score', models.FloatField(blank=True, help_text='cosine between the two centres', null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('first', models.ForeignKey(help_text='the older of the two', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.signature')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.signature')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'vetoes',
                'ordering': ['id'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Visit',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('since_at', models.DateTimeField(blank=True, help_text='when the visit before this one ended', null=True)),
                ('seen_at', models.DateTimeField(help_text='the last page of this visit')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('since_at__isnull', True), ('since_at__lte', models.F('seen_at')), _connector='OR'), name='a_visit_begins_before_it_ends')],
            },
        ),
        migrations.CreateModel(
            name='VocabularyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile', models.CharField(max_length=50)),
                ('number', models.PositiveIntegerField(help_text="counts the profile's versions from 1")),
                ('content', models.JSONField(help_text='{entries, distinctions, areas}, as the command `vocabulary` writes them')),
                ('is_strict', models.BooleanField(default=False, help_text='allow only known names; otherwise a reader may add new ones')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['profile', '-number'],
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claim', models.CharField(help_text='the delivery that reserved it; the reservation lapses if that worker dies', max_length=64)),
                ('cost', models.DecimalField(decimal_places=9, max_digits=16)),
                ('tokens', models.PositiveBigIntegerField()),
                ('made_at', models.DateTimeField()),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reservations', to='pipeline.item')),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reservations', to='pipeline.budget')),
            ],
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('most_cost__isnull', False), ('most_tokens__isnull', False), _connector='OR'), name='a_budget_has_a_limit'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.UniqueConstraint(fields=('profile', 'key'), name='one_signature_per_profile_and_key'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.UniqueConstraint(fields=('profile', 'normal_form'), name='one_signature_for_all_spelling_twins'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.UniqueConstraint(condition=models.Q(('settled_at__isnull', True)), fields=('run', 'chunk'), name='one_batch_under_way_per_chunk'),
        ),
        migrations.AddIndex(
            model_name='company',
            index=models.Index(fields=['status', 'name'], name='companies_by_status'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.UniqueConstraint(fields=('external_id',), name='one_company_per_external_id'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__lte', 100)), name='a_companys_confidence_is_of_100'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('override', ''), ('override_at__isnull', True), ('override_reason', '')), models.Q(models.Q(('override', ''), _negated=True), ('override_at__isnull', False), models.Q(('override_reason', ''), _negated=True)), _connector='OR'), name='an_override_has_a_time_and_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='company',
            constraint=models.CheckConstraint(condition=models.Q(('override_by__isnull', True), ('override_at__isnull', False), _connector='OR'), name='an_override_by_someone_has_a_time'),
        ),
        migrations.AddField(
            model_name='searchtext',
            name='version',
            field=models.ForeignKey(help_text='the conversation these words are from', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pipeline.conversationversion'),
        ),
        migrations.AddConstraint(
            model_name='conversationversion',
            constraint=models.UniqueConstraint(fields=('conversation', 'content_hash'), name='one_version_per_conversation_and_content'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('state__in', ['pending', 'reading'])), fields=['run', 'chunk'], name='unfinished_items_by_chunk'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(fields=['run', 'state'], name='items_by_run_and_state'),
        ),
        migrations.AddIndex(
            model_name='item',
            index=models.Index(condition=models.Q(('language', ''), _negated=True), fields=['language', 'conversation'], name='items_by_language'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.UniqueConstraint(fields=('run', 'conversation'), name='one_item_per_run_and_conversation'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'reading']), ('finished_at__isnull', False), _connector='XOR'), name='an_item_is_finished_or_waits'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['extracted', 'filtered']), _negated=True), ('version__isnull', False), _connector='OR'), name='what_was_read_has_a_version'),
        ),
        migrations.AddConstraint(
            model_name='call',
            constraint=models.UniqueConstraint(fields=('item', 'step', 'unit', 'attempt'), name='one_call_per_item_step_unit_attempt'),
        ),
        migrations.AddConstraint(
            model_name='call',
            constraint=models.CheckConstraint(condition=models.Q(('attempt__gte', 1)), name='attempts_count_from_one'),
        ),
        migrations.AddConstraint(
            model_name='mergepass',
            constraint=models.UniqueConstraint(fields=('profile', 'registry_version'), name='one_pass_per_registry_version'),
        ),
        migrations.AddConstraint(
            model_name='mergepass',
            constraint=models.CheckConstraint(condition=models.Q(('new_count__lte', models.F('theme_count'))), name='a_pass_has_no_more_new_themes_than_themes'),
        ),
        migrations.AddIndex(
            model_name='theme',
            index=models.Index(condition=models.Q(('signature__isnull', True)), fields=['run'], name='unassigned_themes_by_run'),
        ),
        migrations.AddConstraint(
            model_name='theme',
            constraint=models.UniqueConstraint(fields=('run', 'conversation', 'profile', 'raw_key'), name='one_theme_per_run_conversation_profile_raw_key'),
        ),
        migrations.AddConstraint(
            model_name='theme',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__gte', 0), ('confidence__lte', 1)), name='confidence_from_0_to_1'),
        ),
        migrations.AddConstraint(
            model_name='theme',
            constraint=models.CheckConstraint(condition=models.Q(('gate_reason', ''), ('signature__isnull', True), _connector='OR'), name='a_theme_held_by_its_gate_has_no_signature'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.UniqueConstraint(fields=('theme', 'start', 'end'), name='one_evidence_per_theme_and_place'),
        ),
        migrations.AddConstraint(
            model_name='evidence',
            constraint=models.CheckConstraint(condition=models.Q(('end__gt', models.F('start'))), name='evidence_has_a_length'),
        ),
        migrations.AddConstraint(
            model_name='contextusage',
            constraint=models.UniqueConstraint(fields=('theme',), name='one_context_usage_per_theme'),
        ),
        migrations.AddConstraint(
            model_name='reassignment',
            constraint=models.UniqueConstraint(fields=('merge_pass', 'theme'), name='one_reassignment_per_pass_and_theme'),
        ),
        migrations.AddConstraint(
            model_name='reassignment',
            constraint=models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='a_reassignment_leads_elsewhere'),
        ),
        migrations.AddConstraint(
            model_name='rename',
            constraint=models.CheckConstraint(condition=models.Q(('undone_by__isnull', True), ('undone_at__isnull', False), _connector='OR'), name='a_rename_undone_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='rename',
            constraint=models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True), models.Q(('new_form', ''), _negated=True)), fields=('profile', 'new_form'), name='one_standing_rename_to_a_name'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('user', 'page', 'name'), name='one_saved_view_per_user_page_and_name'),
        ),
        migrations.AddConstraint(
            model_name='snapshot',
            constraint=models.UniqueConstraint(fields=('company_url', 'content_hash'), name='one_snapshot_per_url_and_content'),
        ),
        migrations.AddIndex(
            model_name='fetch',
            index=models.Index(condition=models.Q(('magnitude', ''), _negated=True), fields=['fetched_at'], name='changes_by_time'),
        ),
        migrations.AddConstraint(
            model_name='fetch',
            constraint=models.UniqueConstraint(fields=('item', 'attempt'), name='one_fetch_per_item_and_attempt'),
        ),
        migrations.AddConstraint(
            model_name='fetch',
            constraint=models.CheckConstraint(condition=models.Q(('magnitude', ''), models.Q(('outcome', 'ok'), ('previous__isnull', False)), _connector='OR'), name='only_a_page_that_was_read_has_changed'),
        ),
        migrations.AddConstraint(
            model_name='fetch',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['ok', 'unchanged']), models.Q(('is_stand_in', True), ('snapshot__isnull', True), _connector='OR'), _connector='XOR'), name='a_page_that_was_not_read_has_at_most_a_stand_in'),
        ),
        migrations.AddIndex(
            model_name='companyurl',
            index=models.Index(fields=['outcome', 'company'], name='pages_by_outcome'),
        ),
        migrations.AddConstraint(
            model_name='companyurl',
            constraint=models.UniqueConstraint(fields=('company', 'url'), name='one_url_per_company'),
        ),
        migrations.AddConstraint(
            model_name='companyurl',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', ''), ('checked_at__isnull', False), _connector='XOR'), name='a_page_with_an_outcome_was_asked_for'),
        ),
        migrations.AddConstraint(
            model_name='companyurl',
            constraint=models.CheckConstraint(condition=models.Q(('snapshot__isnull', True), ('good_at__isnull', False), _connector='XOR'), name='a_page_seen_has_a_snapshot'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['pending', 'running', 'stopping'])), fields=('source',), name='one_live_run_per_source'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'running', 'stopping']), ('finished_at__isnull', False), _connector='XOR'), name='a_run_has_ended_or_is_live'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['source', 'occurred_at', 'id'], name='conversations_by_time'),
        ),
        migrations.AddConstraint(
            model_name='conversation',
            constraint=models.UniqueConstraint(fields=('source', 'external_id'), name='one_conversation_per_source_and_external_id'),
        ),
        migrations.AddConstraint(
            model_name='split',
            constraint=models.CheckConstraint(condition=models.Q(('undone_by__isnull', True), ('undone_at__isnull', False), _connector='OR'), name='a_split_undone_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='split',
            constraint=models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('made',), name='one_standing_split_makes_a_signature'),
        ),
        migrations.AddConstraint(
            model_name='split',
            constraint=models.CheckConstraint(condition=models.Q(('signature', models.F('made')), _negated=True), name='a_split_makes_another_signature'),
        ),
        migrations.AddConstraint(
            model_name='move',
            constraint=models.CheckConstraint(condition=models.Q(('undone_by__isnull', True), ('undone_at__isnull', False), _connector='OR'), name='a_move_undone_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='move',
            constraint=models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='a_move_leads_elsewhere'),
        ),
        migrations.AddConstraint(
            model_name='statuschange',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='a_status_change_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='story',
            constraint=models.UniqueConstraint(condition=models.Q(('absorbed_by__isnull', True), ('status__in', ['candidate', 'approved', 'in_progress'])), fields=('signature',), name='one_open_story_per_signature'),
        ),
        migrations.AddConstraint(
            model_name='story',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__lte', 100)), name='a_storys_confidence_is_of_100'),
        ),
        migrations.AddConstraint(
            model_name='story',
            constraint=models.CheckConstraint(condition=models.Q(('reviewed_by__isnull', True), ('reviewed_at__isnull', False), _connector='OR'), name='a_story_reviewed_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='story',
            constraint=models.CheckConstraint(condition=models.Q(('edited_by__isnull', True), ('edited_at__isnull', False), _connector='OR'), name='a_story_edited_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='orphan',
            constraint=models.UniqueConstraint(condition=models.Q(('graduated_at__isnull', True)), fields=('signature',), name='one_waiting_orphan_per_signature'),
        ),
        migrations.AddConstraint(
            model_name='orphan',
            constraint=models.CheckConstraint(condition=models.Q(('graduated_at__isnull', True), ('dismissed_at__isnull', True), _connector='OR'), name='a_graduated_orphan_is_not_dismissed'),
        ),
        migrations.AddConstraint(
            model_name='orphan',
            constraint=models.CheckConstraint(condition=models.Q(('dismissed_by__isnull', True), ('dismissed_at__isnull', False), _connector='OR'), name='an_orphan_dismissed_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='orphan',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__lte', 100)), name='an_orphans_confidence_is_of_100'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('undone_by__isnull', True), ('undone_at__isnull', False), _connector='OR'), name='a_merge_undone_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('child',), name='one_standing_merge_per_signature'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('child', models.F('parent')), _negated=True), name='no_signature_is_its_own_parent'),
        ),
        migrations.AddConstraint(
            model_name='comment',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='a_comment_says_something'),
        ),
        migrations.AddConstraint(
            model_name='comment',
            constraint=models.CheckConstraint(condition=models.Q(('removed_by__isnull', True), ('removed_at__isnull', False), _connector='OR'), name='a_comment_removed_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='change',
            constraint=models.CheckConstraint(condition=models.Q(('story__isnull', False), ('orphan__isnull', False), _connector='OR'), name='a_change_is_about_something'),
        ),
        migrations.AddConstraint(
            model_name='change',
            constraint=models.CheckConstraint(condition=models.Q(('undone_by__isnull', True), ('undone_at__isnull', False), _connector='OR'), name='a_change_undone_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='storyevidence',
            constraint=models.UniqueConstraint(fields=('story', 'conversation'), name='one_evidence_per_story_and_conversation'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.UniqueConstraint(fields=('token',), name='one_upload_per_token'),
        ),
        migrations.AddConstraint(
            model_name='veto',
            constraint=models.CheckConstraint(condition=models.Q(('undone_by__isnull', True), ('undone_at__isnull', False), _connector='OR'), name='a_veto_undone_by_someone_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='veto',
            constraint=models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('first', 'second'), name='one_standing_veto_per_pair'),
        ),
        migrations.AddConstraint(
            model_name='veto',
            constraint=models.CheckConstraint(condition=models.Q(('first__lt', models.F('second'))), name='a_veto_has_no_direction'),
        ),
        migrations.AddConstraint(
            model_name='vocabularyversion',
            constraint=models.UniqueConstraint(fields=('profile', 'number'), name='one_vocabulary_per_profile_and_number'),
        ),
        migrations.AddConstraint(
            model_name='vocabularyversion',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='vocabularies_count_from_one'),
        ),
        migrations.AddIndex(
            model_name='searchtext',
            index=django.contrib.postgres.indexes.GinIndex(fields=['words'], name='conversations_by_word'),
        ),
        migrations.AddIndex(
            model_name='searchtext',
            index=models.Index(fields=['config'], name='search_texts_by_config'),
        ),
    ]
