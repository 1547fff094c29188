/** The same web hooks to the collector's receivers and to ours: the charge of a job has the ids of its span. */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import ciJobs from '../../pipelines/normalize/mappings/ci-jobs.ts';
import github from '../../plugins/receivers/github-actions/index.ts';
import { rootSpanIdOf } from '../../plugins/receivers/github-actions/trace-ids.ts';
import gitlab from '../../plugins/receivers/gitlab-ci/index.ts';
import { drained, runningReceiver } from '../helpers/running-receiver.ts';
import { type CollectedSpan, ciCollector, startCiCollector } from './programs/ci-collector.ts';

t.setTimeout(15 * 60_000);

const SECRET = 'It is a secret to everybody';

const WORKFLOW_JOB = {
  action: 'completed',
  workflow_job: {
    id: 4711,
    run_id: 14460881260,
    run_attempt: 13,
    workflow_name: 'CI',
    head_branch: 'main',
    head_sha: 'f83a356604ae3c5d03e1b46ef4d1ca77d64a90b0',
    name: 'build',
    status: 'completed',
    conclusion: 'success',
    created_at: '2026-09-17T09:59:50Z',
    started_at: '2026-09-17T10:00:00Z',
    completed_at: '2026-09-17T10:02:01Z',
    labels: ['ubuntu-latest'],
    runner_id: 7,
    runner_name: 'GitHub Actions 7',
    check_run_url: 'https://api.github.com/repos/example/shop/check-runs/4711',
    html_url: 'https://github.com/example/shop/actions/runs/14460881260/job/4711',
    steps: [],
  },
  repository: {
    id: 1,
    name: 'shop',
    full_name: 'example/shop',
    private: true,
    html_url: 'https://github.com/example/shop',
    owner: { login: 'example', type: 'Organization' },
    custom_properties: {},
  },
  organization: { login: 'example' },
  sender: { login: 'octocat' },
};

const build = (id: number, name: string) => ({
  id,
  stage: `${name}-stage`,
  name,
  status: 'success',
  created_at: '2026-09-17 09:59:50 UTC',
  started_at: `2026-09-17 10:0${id % 10}:00 UTC`,
  finished_at: `2026-09-17 10:0${id % 10}:40 UTC`,
  duration: 40,
  queued_duration: 1,
  user: { id: 1, username: 'root' },
  runner: {
    id: 1,
    description: 'hosted',
    runner_type: 'instance_type',
    active: true,
    is_shared: true,
    tags: ['saas-linux-medium-amd64'],
  },
});
const PIPELINE = {
  object_kind: 'pipeline',
  object_attributes: {
    id: 2366,
    iid: 3,
    name: 'CI',
    status: 'success',
    created_at: '2026-09-17 09:59:50 UTC',
    finished_at: '2026-09-17 10:04:00 UTC',
    source: 'push',
    ref: 'main',
    sha: 'bcbb5ec396a2c0f828686f14fac9b80b780504f2',
    tag: false,
    url: 'https://gitlab.example.com/example/group/shop/-/pipelines/2366',
  },
  project: {
    id: 1,
    name: 'shop',
    path_with_namespace: 'example/group/shop',
    namespace: 'group',
    web_url: 'https://gitlab.example.com/example/group/shop',
    default_branch: 'main',
  },
  user: { id: 1, username: 'root', name: 'Root' },
  commit: {
    id: 'bcbb5ec396a2c0f828686f14fac9b80b780504f2',
    message: 'Add it',
    timestamp: '2026-09-17T09:50:00Z',
    author: { name: 'Root', email: 'root@example.com' },
  },
  builds: [build(1971, 'compile'), build(1972, 'test')],
};

/** The same bytes, with the same headers, to each. */
async function postTo(
  urls: readonly string[],
  body: object,
  headersOf: (text: string) => Readonly<Record<string, string>>,
): Promise<readonly number[]> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', ...headersOf(text) };
  const answers = await Promise.all(
    urls.map((url) => fetch(url, { method: 'POST', body: text, headers })),
  );
  return answers.map(({ status }) => status);
}

function idsOf(spans: readonly CollectedSpan[], name: string): readonly (string | undefined)[] {
  const found = spans.find((span) => span.name === name);
  return [found?.traceId, found?.spanId];
}

t.test('jobs of GitHub and GitLab have the ids that the collector gives their spans', async (t) => {
  const program = await ciCollector();
  if ('skip' in program) return t.plan(0, program.skip);
  const root = t.testdir({ github: {}, gitlab: {} });
  const collector = await startCiCollector({
    path: program.path,
    dir: join(root, 'collector'),
    secret: SECRET,
  });
  t.teardown(() => collector.stop());
  const settings = { secret: SECRET };

  const hub = await runningReceiver(github, join(root, 'github'), settings);
  const signed = (text: string) => ({
    'x-github-event': 'workflow_job',
    'x-github-delivery': 'd-1',
    'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`,
  });
  t.same(
    await postTo([collector.hooks.github, `${hub.url}/github`], WORKFLOW_JOB, signed),
    [200, 202],
  );
  await hub.stop();

  const lab = await runningReceiver(gitlab, join(root, 'gitlab'), settings);
  const told = () => ({ 'x-gitlab-event': 'Pipeline Hook', 'x-gitlab-token': SECRET });
  t.same(await postTo([collector.hooks.gitlab, `${lab.url}/gitlab`], PIPELINE, told), [200, 202]);
  await lab.stop();

  // GitHub: the job and its time in the queue; GitLab: the pipeline, two stages, two jobs.
  const spans = await collector.spans(7);
  const ofHub = await drained(github, join(root, 'github'), { settings, mapping: ciJobs });
  t.same(
    ofHub.rows.map(({ x_TraceId, x_SpanId }) => [x_TraceId, x_SpanId]),
    [idsOf(spans, 'build')],
  );
  t.equal(
    spans.find(({ name }) => name === 'build')?.parentSpanId,
    rootSpanIdOf('14460881260', '13'),
    'the span of the whole attempt',
  );
  const ofLab = await drained(gitlab, join(root, 'gitlab'), { settings, mapping: ciJobs });
  t.same(
    ofLab.rows.map(({ ResourceName, x_TraceId, x_SpanId }) => [ResourceName, x_TraceId, x_SpanId]),
    ['compile', 'test'].map((name) => [name, ...idsOf(spans, name)]),
  );
});
