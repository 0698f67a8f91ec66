#!/bin/sh
# rootless.sh PODIUM WORK - W1 with busybox as the root of a user namespace: no network, no cgroups.
# Prints DONE when every step did what it should.
set -e
b=$1 w=$2
podium() { "$b" --root "$w/store" --runroot "$w/runtime" "$@"; }
wait_for() {
	i=0
	until podium exec "$1" wget -q -O - "http://127.0.0.1:$2/" >"$w/page" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 200 ] || { podium ps -a; podium logs "$1"; return 1; }
		sleep 0.1
	done
	cat "$w/page"
}
for n in 1 2; do
	mkdir -p "$w/app/html$n"
	echo "hello from ng$n" >"$w/app/html$n/index.html"
done
podium load -i "$w/busybox.tar"
podium play kube --network none "$w/app.yaml"
podium ps -a
[ "$(podium ps -a -q | wc -l)" = 3 ]
wait_for my-app-ng1 8001
wait_for my-app-ng2 8002
podium exec my-app-ng1 id
podium generate kube my-app >"$w/again.yaml"
podium play kube --down "$w/app.yaml"
[ -z "$(podium ps -a -q)" ]
podium play kube --network none "$w/again.yaml"
wait_for my-app-ng1 8001
podium kube down "$w/again.yaml"
[ -z "$(podium ps -a -q)" ]
[ -z "$(ls "$w/store/pods" "$w/store/containers" "$w/store/names" | grep -v : )" ]
echo DONE
