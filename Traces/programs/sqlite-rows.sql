-- Fills a table, indexes it, changes a seventh of its rows and drops a third.
create table t(a integer, b text);
with recursive c(x) as (select 1 union all select x+1 from c where x<100000)
  insert into t select x, hex(x*7919)||'abcdefghij' from c;
create index i on t(b);
update t set b = b || a where a % 7 = 0;
delete from t where a % 3 = 0;
select count(*), sum(a) from t where b like '3%';
