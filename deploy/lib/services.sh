# shellcheck shell=bash
# The services of deploy/local: started together, watched until every one is ready, started again
# when one ends, stopped in an order that lets requests in progress end.

services=(auth session group delivery files hooks gateway)
# The gateway, which talks to clients, stops first, so that the others get no new requests.
stop_order=(gateway hooks files delivery group session auth)
declare -A service_pid log_start ends next_start
declare -A usual_port=([gateway]=7100 [auth]=7101 [group]=7102 [session]=7103 [delivery]=7104
    [files]=7105 [hooks]=7106)

# Where this machine reaches a service that listens: the first address, in brackets if it is one of IPv6.
local_host() {
    local host
    host=$(setting bind_address 127.0.0.1)
    host=${host%%,*}
    case $host in
        0.0.0.0) host=127.0.0.1 ;;
        ::) host='[::1]' ;;
        *:*) host="[$host]" ;;
    esac
    echo "$host"
}

# The ports as the programs see them: PARLEY_PORT_BASE moves them all; the services find each other
# at the ports that the environment or the file of options gives them.
port_settings() {
    local base=${PARLEY_PORT_BASE:-} name
    local -A offset=([http]=0 [tcp]=1 [youim]=2 [https]=3 [tls_tcp]=4 [tls_youim]=5
        [gateway]=10 [auth]=11 [group]=12 [session]=13 [delivery]=14 [files]=15 [hooks]=16
        [gateway_metrics]=20 [auth_metrics]=21 [group_metrics]=22 [session_metrics]=23
        [delivery_metrics]=24 [files_metrics]=25 [hooks_metrics]=26)
    if [ -n "$base" ]; then
        if [[ ! $base =~ ^[0-9]{4,5}$ ]] || ((base < 1024 || base > 65500)); then
            complain "PARLEY_PORT_BASE is $base: it must be a number from 1024 to 65500"
            return 1
        fi
        for name in "${!offset[@]}"; do
            export "PARLEY_${name^^}_PORT=$((base + offset[$name]))"
        done
    fi
    for name in "${!usual_port[@]}"; do
        if [ -n "$base" ] || [ -z "$(setting "${name}_peers" '')" ]; then
            export "PARLEY_${name^^}_PEERS=tcp://$(local_host):$(setting "${name}_port" "${usual_port[$name]}")"
        fi
    done
}

# The keys are this copy's own, unless others are named.
key_settings() {
    PARLEY_KEYS_FOLDER=$(setting keys_folder "$var/keys")
    export PARLEY_KEYS_FOLDER
}

keys_make() {
    [ "$PARLEY_KEYS_FOLDER" != "$var/keys" ] || "$bin/parleyctl" keys "$var/keys" >/dev/null
}

# Files are kept beside the database, unless another folder is named.
files_settings() {
    PARLEY_FILES_FOLDER=$(setting files_folder "$var/files")
    export PARLEY_FILES_FOLDER
}

# The page is that of this checkout, where it has one, unless another one, or none, is asked for.
page_settings() {
    local folder=$root/services/web
    [ -d "$folder" ] || folder=
    PARLEY_WEB_ROOT=$(setting web_root "$folder")
    export PARLEY_WEB_ROOT
}

# PARLEY_TLS=self makes a certificate that signs itself, for this machine alone, unless one is set. It is
# kept in $PARLEY_VAR, and made anew a week before it expires.
tls_settings() {
    local folder=$var/tls wanted=${PARLEY_TLS:-} names=DNS:localhost,IP:127.0.0.1,IP:::1
    unset PARLEY_TLS
    case $wanted in
        '' | off) return 0 ;;
        self) ;;
        *)
            complain "PARLEY_TLS is $wanted: it must be self or off; tls_certificate and tls_key name your own certificate"
            return 1
            ;;
    esac
    [ -z "$(setting tls_certificate '')" ] || return 0
    if ! command -v openssl >/dev/null; then
        complain "PARLEY_TLS=self needs the program openssl (run 'make deps')"
        return 1
    fi
    if [ ! -s "$folder/key.pem" ] ||
        ! openssl x509 -in "$folder/certificate.pem" -noout -checkend 604800 >/dev/null 2>&1; then
        mkdir -p "$folder"
        if ! (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
            -subj /CN=localhost -addext "subjectAltName=$names" -keyout "$folder/key.pem" \
            -out "$folder/certificate.pem") >"$log/tls.log" 2>&1; then
            complain "openssl makes no certificate: $(tail -n 1 "$log/tls.log")"
            return 1
        fi
    fi
    export PARLEY_TLS_CERTIFICATE=$folder/certificate.pem PARLEY_TLS_KEY=$folder/key.pem
}

# A port that is switched off has no address.
print_address() {
    [ "$3" = 0 ] || printf '  %-10s %s%s%s\n' "$1" "$2" "$host:$3" "${4:-}"
}

print_addresses() {
    local host name page metrics= http
    local -A usual=([gateway]=7110 [auth]=7111 [group]=7112 [session]=7113 [delivery]=7114
        [files]=7115 [hooks]=7116)
    host=$(local_host)
    for name in gateway auth group session delivery files hooks; do
        metrics+=" $name:$(setting "${name}_metrics_port" "${usual[$name]}")"
    done
    http=$(setting http_port 5999)
    if [ -n "$(setting web_root '')" ] && [ "$http" != 0 ]; then
        page=http://$host:$http/
        echo "  page       $page"
        [ "$(setting demo false)" != true ] ||
            echo "  demo       $page?as=anna and $page?as=ben, side by side; echo answers"
    fi
    print_address WebSocket ws:// "$http" /
    print_address TCP 'tcp ' "$(setting tcp_port 54088)"
    print_address 'YouIM TCP' 'tcp ' "$(setting youim_port 5566)"
    if [ -n "$(setting tls_certificate '')" ]; then
        [ -z "$(setting web_root '')" ] || print_address 'page, TLS' https:// "$(setting https_port 5998)" /
        print_address 'WebSocket' wss:// "$(setting https_port 5998)" /
        print_address 'TCP, TLS' 'tls ' "$(setting tls_tcp_port 54089)"
        print_address 'YouIM, TLS' 'tls ' "$(setting tls_youim_port 5567)"
    fi
    echo "  metrics    http://$host:PORT/metrics, /healthz, /readyz:$metrics"
    echo "  logs       ${log#"$root"/}/"
}

programs_built() {
    local name
    for name in "${services[@]/#/parley-}" parleyctl; do
        if [ ! -x "$bin/$name" ]; then
            complain "$bin/$name is missing: run 'make'"
            return 1
        fi
    done
}

migrate() {
    if ! "$bin/parleyctl" migrate >"$log/migrate.log" 2>&1; then
        tail -n 1 "$log/migrate.log" >&2
        return 1
    fi
}

start_service() {
    local name=$1 file=$log/$1.log option
    log_start[$name]=$(stat -c %s "$file" 2>/dev/null || echo 0)
    # Each has a session of its own, so that the terminal's Ctrl-C reaches this script alone, which
    # then stops them in order; and is ended should this script be killed.
    local without=()
    case $name in
        gateway | session) # They have no use for the database, and so get no password.
            for option in $(compgen -e PARLEY_DB_); do without+=("--unset=$option"); done
            ;;
    esac
    without_locks setsid setpriv --pdeathsig TERM env "${without[@]}" "$bin/parley-$name" \
        >>"$file" 2>&1 </dev/null &
    service_pid[$name]=$!
    echo "$!" >"$run/$name.pid"
}

# A service's log since it was last started.
log_since_start() { tail -c "+$((log_start[$1] + 1))" "$log/$1.log"; }
# listens PID PORT: whether that process, and not another copy of it, has the port.
listens() {
    local inode hex
    hex=$(printf '%04X' "$2")
    while read -r inode; do
        [ -z "$(find "/proc/$1/fd" -lname "socket:\\[$inode\\]" 2>/dev/null)" ] || return 0
    done < <(awk -v port=":$hex\$" '$2 ~ port && $4 == "0A" { print $10 }' /proc/net/tcp*)
    return 1
}

# Asks them all: 0 when every one is ready, else the caller's `waiting` names those that are not. Logs
# do not show it, since `log_level` may silence them.
services_ready() {
    local name port peers=()
    waiting=()
    for name in "${services[@]}"; do
        port=$(setting "${name}_port" "${usual_port[$name]}")
        listens "${service_pid[$name]}" "$port" || waiting+=("$name")
        peers+=("--${name}_peers=tcp://$(local_host):$port")
    done
    [ ${#waiting[@]} = 0 ] || return 1
    ! "$bin/parleyctl" status --request_timeout_ms=1000 "${peers[@]}" >"$run/status" 2>&1 || return 0
    mapfile -t waiting < <(awk '$2 ~ /^tcp:/ && $4 == "no" { print $1 }' "$run/status")
    return 1
}
service_ended() { ! kill -0 "${service_pid[$1]}" 2>/dev/null; }

# The line in which a service logged why it ended.
complain_of() {
    local line
    line=$(log_since_start "$1" | grep ' level=error ' | tail -n 1)
    [ -n "$line" ] || line=$(log_since_start "$1" | grep -v '^[[:space:]]*$' | tail -n 1)
    if [ -n "$line" ]; then
        echo "$line" >&2
    else
        complain "$1 ended without a word"
    fi
}

# 0 when all are ready, 1 when one has ended or the time is over (and says which), 2 when asked to
# stop meanwhile.
services_await_ready() {
    # limit: tool | until all services are ready | 60 s (`PARLEY_START_TIMEOUT`) | all are stopped, exit status 1
    local deadline=$((SECONDS + ${PARLEY_START_TIMEOUT:-60})) name waiting=()
    until services_ready; do
        for name in "${services[@]}"; do
            [ "$stopping" = no ] || return 2
            if service_ended "$name"; then
                complain_of "$name"
                return 1
            fi
        done
        if [ $SECONDS -ge $deadline ]; then
            complain "not ready after ${PARLEY_START_TIMEOUT:-60} s: ${waiting[*]} (see $log)"
            return 1
        fi
        pause 0.05
    done
}

# How a process ended, in words, from its wait status.
ending() {
    if [ "$1" -gt 128 ]; then
        echo "was killed by signal $(($1 - 128))"
    else
        echo "ended with status $1"
    fi
}

# Notes that a service ended and sets when it is started again: at once, then after 1, 2, 4, 8 s,
# and never more than five times in a minute.
# limit: tool | restarts of a service that ends | at once, then after 1, 2, 4, 8 s; at most 5 a minute | later
schedule_restart() {
    local name=$1 now=$SECONDS kept=() at count delay status=0
    wait "${service_pid[$name]}" || status=$?
    for at in ${ends[$name]:-}; do
        [ $((now - at)) -ge 60 ] || kept+=("$at")
    done
    count=${#kept[@]}
    if [ "$count" -ge 5 ]; then
        delay=$((60 - (now - kept[0])))
        kept=("${kept[@]:1}")
    else
        delay=$((count == 0 ? 0 : 1 << (count - 1)))
    fi
    ends[$name]="${kept[*]} $now"
    next_start[$name]=$((now + delay))
    service_pid[$name]=
    complain "$name $(ending $status), starting it again in $delay s (see $log/$name.log)"
}

# One look at every service and the private database.
services_tend() {
    local name
    for name in "${services[@]}"; do
        if [ -n "${service_pid[$name]}" ]; then
            service_ended "$name" || continue
            schedule_restart "$name"
        fi
        [ $SECONDS -lt "${next_start[$name]}" ] || start_service "$name"
    done
    if [ "$database_private" = yes ] && [ ! -d "/proc/$database_pid" ]; then
        complain "MariaDB ended, starting it again"
        database_start || {
            database_pid=none
            pause 5
        }
    fi
}

# The gateway is waited for, then the others stop side by side.
# limit: tool | a service's end | 15 s | killed
services_stop() {
    local name pids=()
    stop_process gateway parley-gateway 15
    for name in "${stop_order[@]:1}"; do
        stop_process "$name" "parley-$name" 15 &
        pids+=($!)
    done
    [ ${#pids[@]} -eq 0 ] || wait "${pids[@]}"
}

# One line for MariaDB and each process, then the answers of the instances themselves. 0: all is well.
print_status() {
    local name pid all=0
    if [ "$database_private" = yes ]; then
        if pid=$(pid_of db mariadbd); then
            printf '%-9s running  pid %s\n' mariadb "$pid"
        else
            printf '%-9s stopped\n' mariadb
            all=1
        fi
    fi
    for name in "${services[@]}"; do
        if pid=$(pid_of "$name" "parley-$name"); then
            printf '%-9s running  pid %s\n' "$name" "$pid"
        else
            printf '%-9s stopped\n' "$name"
            all=1
        fi
    done
    if [ $all = 0 ]; then
        "$bin/parleyctl" status || all=1
        print_addresses
    fi
    return $all
}
