-- Runs, environments, subjects and results. All times are UTC.

create table runs (
    run         varchar primary key,
    started_at  timestamp not null,
    finished_at timestamp,
    version     varchar not null,
    settings    json not null,
    summary     json
);

create table environments (
    id                   varchar primary key,
    transformers_version varchar not null,
    python               varchar not null,
    system               varchar not null,
    processor            varchar not null,
    cores                integer not null,
    device               varchar not null,
    driver               varchar not null,
    versions             json not null,
    notes                varchar[] not null
);

create table subjects (
    model_type           varchar not null,
    class_name           varchar not null,
    transformers_version varchar not null,
    class_module         varchar not null,
    config_class         varchar not null,
    is_base              boolean not null,
    mappings             varchar[] not null,
    family               varchar not null,
    architecture         varchar not null,
    role                 varchar not null,
    modality             varchar[] not null,
    category             varchar not null,
    tasks                varchar[] not null,
    priority             varchar not null,
    phase                integer not null,
    standing             varchar not null,
    checkpoint           varchar,
    primary key (model_type, class_name, transformers_version)
);

-- One row for a case that ended in a run. (run, case, fingerprint) is unique: whoever appends leaves out what is there.
-- There is no index for it, because the results of one run lie together, and an index over millions of names would
-- have to be held in memory.
create table results (
    id            bigint not null,
    run           varchar not null,
    "case"        varchar not null,
    model_type    varchar not null,
    class_name    varchar not null,
    platform      varchar not null,
    "check"       varchar not null,
    dtype         varchar not null,
    default_dtype varchar not null,
    weights       varchar not null,
    options       varchar not null,
    status        varchar not null,
    outlook       varchar,
    stage         varchar not null,
    evidence      varchar not null,
    blame         varchar,
    blame_package varchar,
    message       varchar not null,
    wall_s        double not null,
    device        varchar not null,
    fingerprint   varchar not null,
    finished_at   timestamp not null,
    details       json not null
);

create table metrics (
    result bigint not null,
    name   varchar not null,
    value  double not null
);

create table errors (
    result      bigint not null,
    error_class varchar not null,
    message     varchar not null,
    traceback   varchar not null,
    operators   varchar[] not null
);

-- For each case and fingerprint its newest result that is not unavailable or broken, else its newest; kept up to date
-- by every append. `current`: the row that speaks for the case in `cells`.
create table newest (
    result               bigint not null,
    "case"               varchar not null,
    model_type           varchar not null,
    class_name           varchar not null,
    platform             varchar not null,
    "check"              varchar not null,
    dtype                varchar not null,
    default_dtype        varchar not null,
    weights              varchar not null,
    options              varchar not null,
    status               varchar not null,
    outlook              varchar,
    stage                varchar not null,
    evidence             varchar not null,
    error_class          varchar,
    operators            varchar[] not null,
    blame                varchar,
    blame_package        varchar,
    message              varchar not null,
    wall_s               double not null,
    device               varchar not null,
    fingerprint          varchar not null,
    transformers_version varchar not null,
    run                  varchar not null,
    finished_at          timestamp not null,
    tried                boolean not null,
    current              boolean not null
);

create view cells_all as
select
    n."case", n.model_type, n.class_name, coalesce(s.is_base, false) as is_base,
    coalesce(s.category, 'other') as category, n.platform, n."check", n.dtype, n.weights, n.options, n.status, n.outlook,
    n.stage, n.evidence, n.error_class, n.operators, n.blame, n.blame_package, n.message, n.wall_s, n.device,
    n.fingerprint, n.transformers_version, n.run, n.finished_at
from newest n
left join subjects s using (model_type, class_name, transformers_version);

create view cells as
select
    n."case", n.model_type, n.class_name, coalesce(s.is_base, false) as is_base,
    coalesce(s.category, 'other') as category, n.platform, n."check", n.dtype, n.weights, n.options, n.status, n.outlook,
    n.stage, n.evidence, n.error_class, n.operators, n.blame, n.blame_package, n.message, n.wall_s, n.device,
    n.fingerprint, n.transformers_version, n.run, n.finished_at
from newest n
left join subjects s using (model_type, class_name, transformers_version)
where n.current;
