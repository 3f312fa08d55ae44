# shellcheck shell=bash
# The private MariaDB of deploy/local: its own data under $var/db, reached by a socket only, run as
# the current user. With PARLEY_DB_HOST or PARLEY_DB_SOCKET an existing server is used as it is.

# The socket's path must fit in sockaddr_un (107 bytes); a deep checkout gets one under /tmp.
database_socket() {
    local socket=$var/db.sock folder
    if [ ${#socket} -gt 107 ]; then
        folder=${XDG_RUNTIME_DIR:-/tmp}/parley-$(id -u)-$(printf %s "$var" | cksum | cut -d' ' -f1)
        [ -d "$folder" ] || mkdir -m 700 "$folder"
        if [ ! -O "$folder" ]; then
            complain "$folder belongs to someone else"
            return 1
        fi
        socket=$folder/db.sock
    fi
    echo "$socket"
}

# Exports where the database is, for programs that are started next. Decides once, by what the
# user had set, whether the private one is used ($database_private). Its own socket, set by
# `deploy/local env`, does not count as someone else's.
database_settings() {
    local socket
    socket=$(database_socket) || return 1
    database_private=no
    if [ "$(setting db_socket '')" != "$socket" ]; then
        [ -z "$(setting db_host '')$(setting db_socket '')" ] || return 0
    fi
    database_private=yes
    PARLEY_DB_SOCKET=$socket
    PARLEY_DB_USER=$(setting db_user parley)
    PARLEY_DB_NAME=$(setting db_name parley)
    PARLEY_DB_PASSWORD=$(setting db_password '')
    local word
    for word in "$PARLEY_DB_USER" "$PARLEY_DB_NAME"; do
        if [[ ! $word =~ ^[A-Za-z0-9_]{1,60}$ ]]; then
            complain "'$word' will not do as a user or database: use letters, digits and _"
            return 1
        fi
    done
    if [ -z "$PARLEY_DB_PASSWORD" ]; then
        if [ ! -s "$var/db.password" ]; then
            (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$var/db.password")
        fi
        PARLEY_DB_PASSWORD=$(cat "$var/db.password")
    fi
    export PARLEY_DB_SOCKET PARLEY_DB_USER PARLEY_DB_NAME PARLEY_DB_PASSWORD
}

# The server knows the current user by the socket: no password for its administrator.
database_sql() {
    mariadb --no-defaults --socket="$PARLEY_DB_SOCKET" --user="$(id -un)" --batch --skip-column-names
}

database_answers() { database_sql <<<'DO 1' >/dev/null 2>&1; }
database_answers_or_ended() { database_answers || gone "$database_pid" mariadbd; }

# An unfinished installation must not be taken for a finished one: it gets its name at the end.
database_install() {
    [ ! -d "$var/db" ] || return 0
    rm -rf "$var/db.new"
    if ! TMPDIR=$var/tmp mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$var/db.new" \
        --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
        --skip-test-db >"$log/db-install.log" 2>&1; then
        complain "MariaDB's data folder could not be made: $(tail -n 20 "$log/db-install.log")"
        return 1
    fi
    mv "$var/db.new" "$var/db"
}

# Makes the database and its user, and gives the user today's password. Tests make databases of
# their own, whose names begin with this one's and "_".
database_prepare() {
    local password=${PARLEY_DB_PASSWORD//\\/\\\\}
    local user="'$PARLEY_DB_USER'@'localhost'"
    if ! database_sql >>"$log/db.log" 2>&1 <<SQL; then
CREATE DATABASE IF NOT EXISTS \`$PARLEY_DB_NAME\` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS $user;
ALTER USER $user IDENTIFIED BY '${password//\'/\'\'}';
GRANT ALL ON \`${PARLEY_DB_NAME//_/\\_}\`.* TO $user;
GRANT ALL ON \`${PARLEY_DB_NAME//_/\\_}\\_%\`.* TO $user;
SQL
        complain "the database could not be prepared: $(tail -n 1 "$log/db.log")"
        return 1
    fi
}

# database_start: 0 when the private server answers, started by this call ($database_started) or
# before it. One at a time in a checkout.
database_start() {
    database_started=no
    database_pid=
    [ "$database_private" = yes ] || return 0
    local status=0
    exec {database_lock}>"$run/db.lock"
    if ! flock -w 120 "$database_lock"; then
        complain "another command has been starting or stopping MariaDB here for 120 s"
        status=1
    elif ! database_pid=$(pid_of db mariadbd); then
        database_launch || status=1
    fi
    exec {database_lock}>&-
    unset database_lock
    return $status
}

database_launch() {
    command -v mariadbd >/dev/null || PATH=$PATH:/usr/sbin
    if ! command -v mariadbd >/dev/null || ! command -v mariadb-install-db >/dev/null; then
        complain "mariadbd is not installed: run 'make deps'"
        return 1
    fi
    # Servers that share a folder for temporary tables remove each other's when they start.
    rm -rf "${var:?}/tmp"
    mkdir -p "$var/tmp"
    database_install || return 1
    # A session of its own keeps the terminal's Ctrl-C away from it.
    local tie=()
    [ "${database_ends_with_us:-no}" = no ] || tie=(setpriv --pdeathsig TERM)
    without_locks setsid "${tie[@]}" mariadbd --defaults-file="$root/deploy/mariadb.cnf" \
        --user="$(id -un)" --datadir="$var/db" --tmpdir="$var/tmp" --socket="$PARLEY_DB_SOCKET" \
        --skip-networking \
        --pid-file="$run/mariadbd.pid" --log-error="$log/db.log" >>"$log/db.log" 2>&1 </dev/null &
    database_pid=$!
    echo "$database_pid" >"$run/db.pid"
    wait_until 5 became "$database_pid" mariadbd || true
    # limit: tool | MariaDB's start and end | 60 s each | reported, exit status 1; killed
    if ! wait_until 60 database_answers_or_ended || gone "$database_pid" mariadbd; then
        complain "MariaDB did not start: $(grep -F '[ERROR]' "$log/db.log" | tail -n 1) ($log/db.log)"
        stop_process db mariadbd 10
        return 1
    fi
    database_started=yes
    database_prepare || {
        stop_process db mariadbd 60
        return 1
    }
}

database_stop() {
    exec {database_lock}>"$run/db.lock"
    flock -w 120 "$database_lock" || complain "stopping MariaDB while another command starts it"
    stop_process db mariadbd 60
    exec {database_lock}>&-
    unset database_lock
}
