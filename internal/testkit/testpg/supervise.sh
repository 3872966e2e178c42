# Starts the PostgreSQL in $2/data by the binaries in $1, or an empty one, says "ready",
# and stops and removes it when standard input ends: that is when the test process is
# gone, even if it was killed.
bin=$1 dir=$2
umask 077
fail() {
	tail -n 20 "$dir/log" 2>/dev/null
	cd / && rm -rf "$dir"
	exit 1
}
[ -d "$dir/data" ] || "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 </dev/null || fail
cat >>"$dir/data/postgresql.conf" <<-CONF
	listen_addresses = ''
	unix_socket_directories = '$dir'
	max_connections = 300
	fsync = off
	full_page_writes = off
	synchronous_commit = off
	jit = off
	timezone = 'UTC'
CONF
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null 2>&1 </dev/null || fail
echo ready
# The pipe says nothing, so this waits for its end.
while read -r _; do :; done
"$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 30 stop >/dev/null 2>&1 </dev/null
cd / && rm -rf "$dir"
