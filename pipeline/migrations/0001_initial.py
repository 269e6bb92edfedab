
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
                ('normal_form', models.CharField(help_text='what spelling twins of the key share', max_length=200)),
                ('created_at', models.DateTimeField()),
                ('vector_model', models.CharField(blank=True, max_length=100)),
                ('vector_sum', models.BinaryField(blank=True, help_text='float32, of all its themes; roots only', null=True)),
                ('size', models.PositiveIntegerField(default=0, help_text='how many vectors were added up')),
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
                ('parameters', models.JSONField(default=dict, help_text='what was asked for: since, until, limit, concurrency ...')),
                ('versions', models.JSONField(default=dict, help_text='of extractor, model, profile and signature rules')),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('stopping', 'Stopping'), ('stopped', 'Stopped'), ('completed', 'Completed'), ('completed_with_errors', 'Completed With Errors'), ('needs_attention', 'Needs Attention'), ('failed', 'Failed'), ('lost', 'Lost')], default='pending', max_length=30)),
                ('phase', models.CharField(choices=[('plan', 'Plan'), ('extract', 'Extract'), ('merge', 'Merge'), ('group', 'Group'), ('finish', 'Finish'), ('done', 'Done')], default='plan', max_length=10)),
                ('epoch', models.PositiveIntegerField(default=1, help_text='attempts so far; tasks of an earlier attempt cannot write')),
                ('as_of', models.DateTimeField(blank=True, help_text='recency counts from here', null=True)),
                ('is_preview', models.BooleanField(default=False, help_text='a dry run: planned and estimated, nothing read')),
                ('preview', models.JSONField(blank=True, null=True)),
                ('planned_count', models.PositiveIntegerField(blank=True, help_text='items it was planned with; if there are fewer now, some were lost', null=True)),
                ('error', models.TextField(blank=True)),
                ('attention', models.TextField(blank=True, help_text='why a person should look at this run')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('first_finished_at', models.DateTimeField(blank=True, help_text='since then its readings count, also while it is salvaged', null=True)),
                ('seconds_before', models.FloatField(default=0, help_text='worked in earlier attempts, before it was reopened')),
                ('heartbeat_at', models.DateTimeField(blank=True, help_text='the last heartbeat of anyone working on it', null=True)),
                ('dispatched_at', models.DateTimeField(blank=True, help_text='when chunks were last sent out', null=True)),
                ('advance_claimed_at', models.DateTimeField(blank=True, help_text='since when someone merges or groups', null=True)),
                ('phase_count', models.PositiveSmallIntegerField(default=0, help_text='how often somebody began this phase and did not say how it ended')),
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
                ('external_id', models.CharField(help_text='its id in the source', max_length=200)),
                ('customer', models.CharField(blank=True, help_text='empty: unknown, counted as a customer of its own', max_length=200)),
                ('occurred_at', models.DateTimeField(help_text='when it began')),
                ('occurred_at_is_import_time', models.BooleanField(default=False, help_text='the source gave no time')),
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
                ('raw_signature', models.CharField(help_text='as the reader proposed it; never changed', max_length=200)),
                ('raw_key', models.CharField(help_text='its normal form: equal for spelling twins', max_length=200)),
                ('category', models.CharField(max_length=50)),
                ('summary', models.TextField(help_text='one sentence')),
                ('confidence', models.FloatField(help_text='0 to 1, as the reader judged')),
                ('details', models.JSONField(blank=True, help_text='what the profile asks for beyond this: severity, root cause ...', null=True)),
                ('gate_score', models.FloatField(blank=True, help_text='how well its name fits, 0 to 1; empty: its reader does not say', null=True)),
                ('gate_reason', models.CharField(blank=True, db_default='', help_text='why it is not grouped with others; empty: it is', max_length=200)),
                ('unread_language', models.CharField(blank=True, db_default='', help_text='the language, if the model does not know it: then the vector stands for the words alone', max_length=10)),
                ('vector', models.BinaryField(help_text='float32, unit length')),
                ('vector_model', models.CharField(help_text='vectors of different models are never compared', max_length=100)),
                ('signature_rule', models.CharField(blank=True, help_text='why this signature: name, registry or meaning', max_length=50)),
                ('signature_score', models.FloatField(blank=True, help_text='cosine to the centre it was assigned by', null=True)),
                ('registry_version', models.PositiveBigIntegerField(blank=True, help_text='which change of the registry assigned it: themes merged together share one', null=True)),
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
                ('consolidated_count', models.PositiveIntegerField(default=0, help_text='how many themes there were when all were last grouped again')),
                ('consolidated_stories', models.PositiveIntegerField(default=0, help_text='how many signatures then had themes enough for a story')),
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
                ('remote_id', models.CharField(help_text="the provider's name for it", max_length=200)),
                ('requests', models.JSONField(help_text='by name: item, request hash, step, unit and bytes of each question')),
                ('faults', models.JSONField(help_text='a list of item, step, unit, status and body: what was refused for good')),
                ('made_at', models.DateTimeField()),
                ('looked_at', models.DateTimeField(blank=True, help_text='when the provider was last asked about it', null=True)),
                ('settled_at', models.DateTimeField(blank=True, help_text='since when its answers are calls', null=True)),
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
                ('external_id', models.CharField(help_text='its id in the list it comes from', max_length=100)),
                ('name', models.CharField(max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict, help_text='what else the list says of it')),
                ('status', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], default='unknown', help_text='as concluded from its pages', max_length=20)),
                ('confidence', models.PositiveSmallIntegerField(default=0, help_text='of 100 that the concluded status is right')),
                ('explanation', models.TextField(blank=True, help_text='why that status, in words')),
                ('concluded_at', models.DateTimeField(blank=True, null=True)),
                ('override', models.CharField(blank=True, choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text="a person's status; it stands until it is cleared", max_length=20)),
                ('override_reason', models.TextField(blank=True)),
                ('override_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField(help_text='when the list last said something else of it')),
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
                ('config', models.CharField(help_text="PostgreSQL's text search configuration of its language; simple: words as they stand", max_length=20)),
                ('words', django.contrib.postgres.search.SearchVectorField(help_text='ids, customer and label as they stand, and what was said by the language')),
            ],
        ),
        migrations.CreateModel(
            name='CompanyUrl',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(help_text='in ASCII, without a fragment', max_length=2000)),
                ('host', models.CharField(help_text='host and port: politeness is kept for each', max_length=260)),
                ('created_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, help_text='since when the list does not name it any more: it is not asked for', null=True)),
                ('outcome', models.CharField(blank=True, choices=[('ok', 'read'), ('unchanged', 'unchanged'), ('empty', 'answered without text'), ('dead', 'dead (no such host, 404 or 410)'), ('soft_404', 'says that it was not found, with status 200'), ('parked', 'parked domain'), ('login', 'asks to sign in'), ('paywall', 'asks for a subscription'), ('cookie_wall', 'asks for consent first'), ('needs_javascript', 'shows nothing without JavaScript'), ('blocked', 'refuses us (403 or 429)'), ('too_large', 'larger than we read'), ('not_html', 'no web page'), ('timeout', 'too slow'), ('tls', 'its certificate cannot be trusted'), ('robots', 'robots.txt asks us to stay away'), ('unsafe_address', 'leads to an address that must not be called'), ('unreachable', 'the connection was refused or broke off'), ('server_error', 'the server failed (5xx)'), ('bad_redirect', 'redirects in a circle or nowhere')], help_text='of the last time; empty: never', max_length=20)),
                ('detail', models.CharField(blank=True, help_text='of the last time, in words', max_length=300)),
                ('checked_at', models.DateTimeField(blank=True, help_text='when it was last asked for', null=True)),
                ('good_at', models.DateTimeField(blank=True, help_text='when it was last seen as it is', null=True)),
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
                ('abilities', models.JSONField(help_text='how it wants to be asked; see extract.llm.abilities')),
                ('probed_at', models.DateTimeField(help_text='when that was found out')),
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
                ('chunk', models.PositiveIntegerField(help_text='which header task reads it')),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('reading', 'Reading'), ('extracted', 'Extracted'), ('filtered', 'Filtered'), ('skipped', 'Skipped'), ('failed', 'Failed')], default='pending', max_length=20)),
                ('reason', models.CharField(blank=True, help_text='why it was filtered, skipped or failed, in a few words', max_length=200)),
                ('stage', models.CharField(blank=True, choices=[('fetch', 'Fetch'), ('read', 'Read'), ('parse', 'Parse'), ('store', 'Store')], max_length=10)),
                ('error_class', models.CharField(blank=True, max_length=200)),
                ('error', models.TextField(blank=True)),
                ('category', models.CharField(blank=True, max_length=50)),
                ('language', models.CharField(blank=True, db_default='', help_text="of the customer's own words, as BCP 47 names it; und: it cannot be told", max_length=10)),
                ('flaws', models.JSONField(blank=True, help_text='how often something in its answers was put right: repaired, asked_again, unasked, quotes_dropped', null=True)),
                ('epoch', models.PositiveIntegerField(default=0, help_text="the run's epoch when it was last claimed")),
                ('claim', models.CharField(blank=True, help_text='the delivery that reads it; only that one may write', max_length=64)),
                ('claimed_at', models.DateTimeField(blank=True, help_text='renewed while it is being read', null=True)),
                ('delivery_count', models.PositiveSmallIntegerField(default=0, help_text='how often a worker began to read it')),
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
                ('unit', models.CharField(blank=True, help_text='the part of the conversation asked about, empty: all; of a reask the step and part it repeats', max_length=100)),
                ('attempt', models.PositiveSmallIntegerField(help_text='counts the answers to one question about an item')),
                ('request_hash', models.CharField(blank=True, help_text='sha256 of version, profile and extractor: same question; empty: put aside, asked again', max_length=64)),
                ('answer', models.TextField(blank=True, help_text='as it came; empty where the bytes are no text')),
                ('raw', models.BinaryField(blank=True, db_default=b'', help_text='as it came, where the bytes are no text')),
                ('vectors', models.BinaryField(blank=True, default=b'', help_text='float32, one row a theme; empty once its themes have them')),
                ('vectors_hash', models.CharField(blank=True, db_default='', help_text='sha256 of what its themes were given; empty until then', max_length=64)),
                ('prompt', models.CharField(blank=True, db_default='', help_text="version of the profile's prompt, where a model was asked", max_length=50)),
                ('model', models.CharField(blank=True, db_default='', help_text='the language model that was asked', max_length=100)),
                ('finish_reason', models.CharField(blank=True, max_length=50)),
                ('input_tokens', models.PositiveIntegerField(default=0)),
                ('output_tokens', models.PositiveIntegerField(default=0)),
                ('cached_tokens', models.PositiveIntegerField(db_default=0, help_text='of the input, what the provider had read before')),
                ('asked_bytes', models.PositiveIntegerField(db_default=0, help_text='of the question, to learn bytes per token from')),
                ('cost', models.DecimalField(blank=True, decimal_places=9, help_text='US dollars; empty: not known, or none', max_digits=16, null=True)),
                ('seconds', models.FloatField(blank=True, help_text='from the question to the last byte of the answer', null=True)),
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
                ('kind', models.CharField(choices=[('join', 'new themes joined what stood'), ('consolidation', 'all themes were grouped again')], max_length=20)),
                ('rules', models.CharField(help_text='version of the rules that grouped the themes', max_length=100)),
                ('registry_version', models.PositiveBigIntegerField(help_text='which change of the registry this was')),
                ('theme_count', models.PositiveIntegerField(help_text='how many were looked at')),
                ('new_count', models.PositiveIntegerField(help_text='how many of them had no signature before')),
                ('moved_count', models.PositiveIntegerField(help_text='how many went from one signature to another')),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(blank=True, help_text='whose merge it was', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='passes', to='pipeline.run')),
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
                ('start', models.PositiveIntegerField(help_text="characters into the version's text")),
                ('end', models.PositiveIntegerField()),
                ('details', models.JSONField(blank=True, help_text='what the profile says of it: the kind of a figure ...', null=True)),
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
                ('offered', models.JSONField(default=list, help_text='names of the documents that were in the question')),
                ('used', models.JSONField(default=list, help_text='names of those it says it used')),
                ('missing', models.CharField(blank=True, help_text='what should be documented; empty: nothing', max_length=300)),
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
                ('new_form', models.CharField(blank=True, help_text="the new name's normal form, if another: themes with it come here too", max_length=200)),
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
                ('query', models.CharField(blank=True, help_text='what stands behind the ? in its address', max_length=2000)),
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
                ('version', models.OneToOneField(help_text='holds the text', on_delete=django.db.models.deletion.PROTECT, related_name='snapshot', to='pipeline.conversationversion')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Fetch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField(help_text="the item's delivery it belongs to")),
                ('outcome', models.CharField(choices=[('ok', 'read'), ('unchanged', 'unchanged'), ('empty', 'answered without text'), ('dead', 'dead (no such host, 404 or 410)'), ('soft_404', 'says that it was not found, with status 200'), ('parked', 'parked domain'), ('login', 'asks to sign in'), ('paywall', 'asks for a subscription'), ('cookie_wall', 'asks for consent first'), ('needs_javascript', 'shows nothing without JavaScript'), ('blocked', 'refuses us (403 or 429)'), ('too_large', 'larger than we read'), ('not_html', 'no web page'), ('timeout', 'too slow'), ('tls', 'its certificate cannot be trusted'), ('robots', 'robots.txt asks us to stay away'), ('unsafe_address', 'leads to an address that must not be called'), ('unreachable', 'the connection was refused or broke off'), ('server_error', 'the server failed (5xx)'), ('bad_redirect', 'redirects in a circle or nowhere')], max_length=20)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('http_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('final_url', models.CharField(blank=True, help_text='where redirects led, if they did', max_length=2000)),
                ('byte_count', models.PositiveIntegerField(default=0, help_text='of the body, unpacked')),
                ('seconds', models.FloatField(default=0)),
                ('is_stand_in', models.BooleanField(default=False, help_text='the snapshot is an earlier one; nothing was seen now')),
                ('added_count', models.PositiveIntegerField(default=0, help_text='lines that are new')),
                ('removed_count', models.PositiveIntegerField(default=0, help_text='lines that are gone')),
                ('moved_count', models.PositiveIntegerField(default=0, help_text='lines that stand elsewhere')),
                ('magnitude', models.CharField(blank=True, choices=[('none', 'nothing that counts'), ('minor', 'minor (less than 10 %)'), ('moderate', 'moderate'), ('major', 'major (more than 30 %)')], help_text='empty: no comparison', max_length=10)),
                ('fetched_at', models.DateTimeField()),
                ('company_url', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fetches', to='pipeline.companyurl')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fetches', to='pipeline.item')),
                ('previous', models.ForeignKey(blank=True, help_text='what was seen the time before', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pipeline.snapshot')),
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
            field=models.ForeignKey(blank=True, help_text='what was seen then', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pipeline.snapshot'),
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=50)),
                ('name', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('repeated_passages', models.JSONField(blank=True, default=list, help_text='a list of {key, text, said_by, conversations}: what its conversations share word for word')),
                ('reading', models.JSONField(blank=True, default=dict, help_text='what a person said about its files (mapping, encoding, date format); holds for the next ones too')),
                ('cursor', models.TextField(blank=True, help_text='how far a live source is read; what is before it is stored')),
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
                ('threshold', models.FloatField(blank=True, help_text='cosine that themes had to have inside; empty: conversations were chosen', null=True)),
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
                ('kind', models.CharField(choices=[('concluded', 'concluded from its pages'), ('overridden', 'set by a person'), ('cleared', "a person's status was cleared")], max_length=20)),
                ('before', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text='the status that counted before', max_length=20)),
                ('after', models.CharField(choices=[('operational', 'Operational'), ('likely_closed', 'Likely Closed'), ('requires_review', 'Requires Review'), ('unknown', 'Unknown'), ('no_urls', 'No Urls')], help_text='the status that counts since', max_length=20)),
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
                ('status_before', models.CharField(blank=True, choices=[('candidate', 'Candidate'), ('approved', 'Approved'), ('in_progress', 'In Progress'), ('done', 'Done'), ('dismissed', 'Dismissed'), ('emptied', 'Emptied')], help_text='before its last conversation left; it returns with one', max_length=20)),
                ('category', models.CharField(help_text='the commonest of its themes', max_length=50)),
                ('confidence', models.PositiveSmallIntegerField(default=0, help_text='of 100 that it is one real problem')),
                ('confidence_parts', models.JSONField(default=dict, help_text='size, cohesion, evidence and reader, each 0 to 1')),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('reviewed_at', models.DateTimeField(blank=True, null=True)),
                ('edited_at', models.DateTimeField(blank=True, help_text='when somebody last wrote title or description', null=True)),
                ('ticket_url', models.CharField(blank=True, db_default='', help_text='where it is worked on', max_length=2000)),
                ('titled_at', models.DateTimeField(blank=True, help_text="when its title was chosen; empty: not yet, its signature's name stands in", null=True)),
                ('title_size', models.PositiveIntegerField(default=0, help_text='its conversations when its title was chosen')),
                ('absorbed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='absorbed', to='pipeline.story')),
                ('edited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('first_run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='new_stories', to='pipeline.run')),
                ('owner', models.ForeignKey(blank=True, help_text='who looks after it', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('recurs_from', models.ForeignKey(blank=True, help_text='the story that was done before the problem came back', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='recurrences', to='pipeline.story')),
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
                ('detail', models.CharField(help_text='what it needs, in words, of all gates', max_length=400)),
                ('missing_conversations', models.PositiveSmallIntegerField(default=0, help_text='how many more it needs for a story; 0 where something else holds it back')),
                ('confidence', models.PositiveSmallIntegerField(default=0, help_text='of 100 that it is one real problem')),
                ('confidence_parts', models.JSONField(default=dict, help_text='size, cohesion, evidence and reader, each 0 to 1')),
                ('nearest_cosine', models.FloatField(blank=True, help_text='between the two centres', null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('graduated_at', models.DateTimeField(blank=True, null=True)),
                ('dismissed_at', models.DateTimeField(blank=True, null=True)),
                ('dismissed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orphans', to='pipeline.signature')),
                ('nearest_story', models.ForeignKey(blank=True, help_text='the open story whose centre was nearest when this was last settled', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='near_orphans', to='pipeline.story')),
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
                ('rule', models.CharField(help_text='person, or which rule', max_length=50)),
                ('rule_version', models.CharField(blank=True, max_length=100)),
                ('vector_model', models.CharField(blank=True, help_text='whose vectors the score compares', max_length=100)),
                ('score', models.FloatField(blank=True, help_text="cosine between the child's centre and the parent's", null=True)),
                ('child', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges', to='pipeline.signature')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merged_children', to='pipeline.signature')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='merges', to='pipeline.run')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('story', models.ForeignKey(blank=True, help_text="the child's open story, which the parent's absorbed or the parent took over; undo gives it back", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='handed_over_by', to='pipeline.story')),
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
                ('before', models.JSONField(default=dict, help_text='the columns it changed, as they were')),
                ('after', models.JSONField(default=dict, help_text='the same columns, as it left them')),
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
                ('in_title', models.BooleanField(db_default=False, help_text="was there when the story's title was chosen")),
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
                ('name', models.CharField(help_text="as the person's machine called it", max_length=255)),
                ('size', models.PositiveBigIntegerField(help_text='bytes')),
                ('created_at', models.DateTimeField()),
                ('imported', models.CharField(blank=True, help_text='what became of its rows, in words', max_length=200)),
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
                ('is_strict', models.BooleanField(default=False, help_text='only known names; else a reader may make a new one')),
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
                ('claim', models.CharField(help_text='the delivery that reserved it; of a dead one it counts no more', max_length=64)),
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
            field=models.ForeignKey(help_text='whose words these are', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pipeline.conversationversion'),
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
