# shellcheck shell=bash
# The demo of deploy/local (PARLEY_DEMO): anna and ben, whom a link logs in, and their friend echo,
# which answers: the bot of docs/examples, with an API key that lasts until the next start.

demo_python=$(command -v /usr/bin/python3 || command -v python3 || echo python3)
demo_program=$(basename "$(readlink -f "$demo_python")")
demo_pid='' demo_next_start=0 demo_key=''

# Whether it is on, as the gateway sees the option.
demo_settings() {
    local port
    case $(setting demo false) in
        true | yes | on | 1) ;;
        *) return 0 ;;
    esac
    case $(setting youim_open_login true) in
        true | yes | on | 1) ;;
        *)
            complain "the demo is off: it needs youim_open_login"
            export PARLEY_DEMO=false
            return 0
            ;;
    esac
    if ! "$demo_python" -c 'import websockets' 2>/dev/null; then
        complain "the demo is off: it needs Python 3 with websockets (run 'make deps')"
        export PARLEY_DEMO=false
        return 0
    fi
    for port in tcp_port http_port; do
        if [ "$(setting "$port" 1)" = 0 ]; then
            complain "the demo is off: it needs $port"
            export PARLEY_DEMO=false
            return 0
        fi
    done
    export PARLEY_DEMO=true
    demo_address=("$(demo_host)" "$(setting tcp_port 54088)")
    demo_page=$(local_host):$(setting http_port 5999)
}
demo_on() { [ "$(setting demo false)" = true ]; }

# As local_host, without brackets.
demo_host() {
    local host
    host=$(local_host)
    host=${host#[}
    echo "${host%]}"
}

# Makes its people; without them the server runs all the same, and the demo is not there.
demo_start() {
    demo_on || return 0
    if ! "$demo_python" -B deploy/demo/prepare "${demo_address[@]}" >"$log/demo.log" 2>&1; then
        complain "$(tail -n 1 "$log/demo.log")"
        return 0
    fi
    if ! demo_key=$(demo_key_make 2>>"$log/demo.log"); then
        complain "$(tail -n 1 "$log/demo.log")"
        return 0
    fi
    echo_start
}

# A key of echo's own, in place of the one of the start before, which is not kept anywhere.
demo_key_make() {
    local made
    "$bin/parleyctl" key remove demo-echo >/dev/null 2>&1 || true
    made=$("$bin/parleyctl" key add demo-echo --scopes=messages,logins --user=echo) || return 1
    echo "${made##*: }"
}

echo_start() {
    without_locks setsid setpriv --pdeathsig TERM "$demo_python" -B docs/examples/echo.py \
        "$demo_page" echo "$demo_key" >>"$log/demo.log" 2>&1 </dev/null &
    demo_pid=$!
    echo "$demo_pid" >"$run/demo.pid"
}

# One look at echo. limit: tool | restarts of the demo's echo | 5 s after its end | -
demo_tend() {
    if [ -n "$demo_pid" ] && ! kill -0 "$demo_pid" 2>/dev/null; then
        wait "$demo_pid" || true
        demo_pid='' demo_next_start=$((SECONDS + 5))
        complain "echo ended, starting it again in 5 s (see $log/demo.log)"
    fi
    if [ -z "$demo_pid" ] && [ $demo_next_start != 0 ] && [ $SECONDS -ge $demo_next_start ]; then
        echo_start
    fi
}

demo_stop() { stop_process demo "$demo_program" 5; }
