# shellcheck shell=bash
# Shared by the parts of deploy/local: settings, messages, waiting, and processes that are ours.
# Expects `root` (the project) and `var` (absolute: data, logs, pid files) to be set.

run=$var/run
log=$var/log

say() { echo "parley: $*"; }
complain() { echo "parley: $*" >&2; }

# setting NAME DEFAULT: an option as the programs see it: the environment's PARLEY_NAME, else the
# file that PARLEY_CONFIG names, else the default.
setting() {
    local variable=PARLEY_${1^^} line
    if [ -n "${!variable+set}" ]; then
        echo "${!variable}"
        return
    fi
    if [ -n "${PARLEY_CONFIG:-}" ] && [ -r "$PARLEY_CONFIG" ]; then
        line=$(sed -n "s/^[[:space:]]*${1//_/[-_]}[[:space:]]*=[[:space:]]*//p" "$PARLEY_CONFIG" | tail -n 1)
        if [ -n "$line" ]; then
            echo "${line%"${line##*[![:space:]]}"}"
            return
        fi
    fi
    echo "$2"
}

# pause SECONDS: without a process; a signal ends it early.
pause() {
    if [ -z "${pause_fd:-}" ]; then
        exec {pause_fd}<> <(:)
    fi
    read -r -t "$1" -u "$pause_fd" || true
}

# wait_until SECONDS COMMAND...: 0 as soon as the command succeeds, 1 when the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        pause 0.05
    done
}

# owned PID PROGRAM: whether that process runs this program for this very `var`, so that a pid file
# left from before, or another checkout's process, is never taken for ours.
owned() {
    local exe
    [[ $1 =~ ^[0-9]+$ ]] && exe=$(readlink "/proc/$1/exe" 2>/dev/null) || return 1
    exe=${exe% (deleted)}
    [ "${exe##*/}" = "$2" ] && grep -qzxF "PARLEY_VAR=$var" "/proc/$1/environ" 2>/dev/null
}

# pid_of NAME PROGRAM: prints the pid from the pid file when that process is ours and alive.
pid_of() {
    local pid
    pid=$(cat "$run/$1.pid" 2>/dev/null) && owned "$pid" "$2" && echo "$pid"
}

gone() { ! owned "$1" "$2"; }
# became PID PROGRAM: a child that was just made is through its exec, or has ended already.
became() { owned "$1" "$2" || [ ! -d "/proc/$1" ]; }

# stop_process NAME PROGRAM SECONDS: an orderly end, by force when it takes too long.
stop_process() {
    local pid
    if pid=$(pid_of "$1" "$2"); then
        kill -TERM "$pid" 2>/dev/null || true
        if ! wait_until "$3" gone "$pid" "$2"; then
            complain "$1 (pid $pid) did not stop within $3 s: killed"
            kill -KILL "$pid" 2>/dev/null || true
            wait_until 10 gone "$pid" "$2" || complain "$1 (pid $pid) cannot be killed"
        fi
    fi
    rm -f "$run/$1.pid"
}

# without_locks COMMAND...: runs it with the lock files closed: a child must not hold our locks.
without_locks() {
    local fd
    for fd in "${supervisor_lock:-}" "${database_lock:-}" "${pause_fd:-}"; do
        [ -z "$fd" ] || exec {fd}>&-
    done
    exec "$@"
}
