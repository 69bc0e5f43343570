#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# podman, with both of its usual stores: an image from a local archive, runs of it, a network with
# names, a published port, an image that is built from it.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"

# An archive as docker save makes it: one layer.
small_root layer
echo 'from the image' >layer/etc/motd
tar -C layer --owner 0 --group 0 --numeric-owner -cf layer.tar .
arch=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
diff=$(sha256sum <layer.tar | cut -d' ' -f1)
cat >config.json <<E
{"architecture":"$arch","os":"linux","config":{"Env":["PATH=/bin","FROM=image"],"Cmd":["/bin/sh","-c","cat /etc/motd; echo \$FROM"],"WorkingDir":"/tmp"},
 "rootfs":{"type":"layers","diff_ids":["sha256:$diff"]},"history":[{"created_by":"kbox"}]}
E
echo '[{"Config":"config.json","RepoTags":["localhost/small:1"],"Layers":["layer.tar"]}]' >manifest.json
tar -cf small.tar manifest.json config.json layer.tar

mkdir -p /etc/containers
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >/etc/containers/policy.json
echo '[network]
network_backend="netavark"
[engine]
events_logger="file"' >/etc/containers/containers.conf

p() {
	podman --storage-driver "$driver" --root "/var/tmp/podman-$driver" "$@"
}

for driver in vfs overlay; do
	passes "$driver: podman load" p load -q -i small.tar
	is "$(p images --format '{{.Repository}}:{{.Tag}}') $(p info --format '{{.Store.GraphDriverName}}')" "localhost/small:1 $driver" "$driver: podman images"
	is "$(p run --rm small:1 2>&1)" "from the image
image" "$driver: podman run"
	p run --rm --name one --hostname one --network none --memory 48m --pids-limit 30 --read-only small:1 sh -c '
		echo $(hostname) $$; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
		touch /x 2>&1 | sed "s/.*: //"; echo >/tmp/x && ls /tmp; ip -4 -o addr | cut -d" " -f2; exit 9' >out 2>&1
	is "$? $(cat out)" "9 one 1
50331648
30
Read-only file system
x
lo" "$driver: limits, no network, nothing to write"
	is "$(p run --rm --user 1000:1000 --cap-drop all small:1 sh -c 'id -u; grep CapEff /proc/self/status | tr -s "\t" " "; mkdir /no 2>&1 | sed "s/.*: //"' 2>&1)" "1000
CapEff: 0000000000000000
Permission denied" "$driver: a user without rights"
	mkdir -p volume
	is "$(p run --rm --uidmap 0:100000:1000 small:1 sh -c 'id -u; touch /etc/own && stat -c %u /etc/own; cat /proc/self/uid_map | tr -s " "' 2>&1)" "0
0
 0 100000 1000" "$driver: a user namespace"
	is "$(p run --rm -v "$tmp/volume:/data" small:1 sh -c 'echo kept >/data/file; cat /data/file' 2>&1; cat volume/file)" "kept
kept" "$driver: a volume"

	# A network with a bridge, names, and a port that is published on the host.
	passes "$driver: podman network create" p network create --subnet 10.9.0.0/24 "net-$driver"
	passes "$driver: podman run -d" p run -d --name web --network "net-$driver" -p 8080:80 small:1 sh -c 'mkdir -p /tmp/www; echo "a page of $(hostname -i)" >/tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www'
	comes "$driver: it runs" eval '[ "$(p inspect -f "{{.State.Status}}" web)" = running ]'
	is "$(p run --rm --network "net-$driver" small:1 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://web/ && break; sleep 1; done' 2>&1)" "a page of 10.9.0.2" "$driver: another container finds it by its name"
	is "$(busybox wget -q -O - http://10.9.0.2/ 2>&1)" "a page of 10.9.0.2" "$driver: its address"
	is "$(busybox wget -q -O - http://127.0.0.1:8080/ 2>&1)" "a page of 10.9.0.2" "$driver: its published port"
	is "$(p exec web sh -c 'ps | grep -c "[h]ttpd"') $(p top web comm | tail -n +2)" "1 httpd" "$driver: podman exec, podman top"
	is "$(p port web) $(p ps --format '{{.Names}} {{.Ports}}')" "80/tcp -> 0.0.0.0:8080 web 0.0.0.0:8080->80/tcp" "$driver: podman ps"
	passes "$driver: podman stop" p stop -t 0 web
	passes "$driver: podman rm" p rm web
	passes "$driver: podman network rm" p network rm "net-$driver"

	# What one has written is an image, and an image is built from another one.
	is "$(p run --name changed small:1 sh -c 'echo changed >/etc/motd; rm /bin/vi; echo to the log' 2>&1)" "to the log" "$driver: one that writes"
	is "$(p logs changed 2>&1) $(p diff changed | grep -cE '^(C /etc/motd|D /bin/vi)$')" "to the log 2" "$driver: podman logs, podman diff"
	passes "$driver: podman commit" p commit -q changed localhost/changed
	is "$(p run --rm changed sh -c 'cat /etc/motd; ls /bin/vi' 2>&1 | sed 's/.*: //')" "changed
No such file or directory" "$driver: a run of it"
	mkdir -p context
	echo copied >context/file
	printf 'FROM localhost/changed\nCOPY file /file\nRUN cat /file /etc/motd >/both && chmod 4755 /bin/busybox\nUSER 7\nCMD ["cat", "/both"]\n' >context/Containerfile
	passes "$driver: podman build" p build -q --network none -t built context
	is "$(p run --rm built 2>&1)" "copied
changed" "$driver: a run of that"
	passes "$driver: podman save" p save -q -o "saved-$driver.tar" built
	passes "$driver: all is removed" p system reset -f
done
done_testing
