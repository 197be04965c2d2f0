-- What a run took over from earlier runs: together with its own results, these are the endings that it reports.

create table reused (
    run    varchar not null,
    result bigint not null
);
