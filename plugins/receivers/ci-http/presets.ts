/** Where the web hooks of CI services say what a job is. */

/** What can be read of a payload. */
export const FIELDS = [
  'id',
  'name',
  'account',
  'repository',
  'run',
  'branch',
  'actor',
  'conclusion',
  'runner',
  'started_at',
  'completed_at',
  'duration_ms',
  'trace_id',
  'span_id',
  'traceparent',
] as const;

/** One of them. */
export type Field = (typeof FIELDS)[number];

/** How a service's web hooks are read. Paths are names joined by dots, numbers for places in lists: `job.agents.0`. */
export interface Preset {
  readonly provider: string;
  readonly service: string;
  readonly fields: Readonly<Partial<Record<Field, string>>>;
  /** Path → the values with which a payload is of a finished job. */
  readonly when: Readonly<Record<string, readonly string[]>>;
}

/** By the names of the setting `preset`. */
export const PRESETS: Readonly<Record<'buildkite' | 'circleci' | 'jenkins' | 'none', Preset>> = {
  /** https://buildkite.com/docs/apis/webhooks: event `job.finished`. */
  buildkite: {
    provider: 'Buildkite',
    service: 'Buildkite Pipelines',
    fields: {
      id: 'job.id',
      name: 'job.name',
      account: 'organization.slug',
      repository: 'pipeline.repository',
      run: 'build.id',
      branch: 'build.branch',
      actor: 'sender.name',
      conclusion: 'job.state',
      runner: 'job.agent_query_rules',
      started_at: 'job.started_at',
      completed_at: 'job.finished_at',
    },
    when: { event: ['job.finished'] },
  },
  /** https://circleci.com/docs/webhooks-reference: event `job-completed`; it does not say the resource class. */
  circleci: {
    provider: 'CircleCI',
    service: 'CircleCI',
    fields: {
      id: 'job.id',
      name: 'job.name',
      account: 'organization.name',
      repository: 'project.slug',
      run: 'pipeline.id',
      branch: 'pipeline.vcs.branch',
      conclusion: 'job.status',
      runner: 'project.slug',
      started_at: 'job.started_at',
      completed_at: 'job.stopped_at',
    },
    when: { type: ['job-completed'] },
  },
  /** https://plugins.jenkins.io/notification: phase `COMPLETED`; the duration is milliseconds. */
  jenkins: {
    provider: 'Jenkins',
    service: 'Jenkins',
    fields: {
      id: 'build.full_url',
      name: 'name',
      repository: 'build.scm.url',
      run: 'build.number',
      branch: 'build.scm.branch',
      conclusion: 'build.status',
      started_at: 'build.timestamp',
      duration_ms: 'build.duration',
    },
    when: { 'build.phase': ['COMPLETED'] },
  },
  none: { provider: 'CI', service: 'CI', fields: {}, when: {} },
};
