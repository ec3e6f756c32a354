#!/bin/sh
# First process of an instance, alone in process, mount and host name spaces of its own. When it ends, the kernel ends
# every process that was ever started on the instance and takes its mounts away.
#
# init.sh FOLDER HOSTNAME ROOT PRIVATE...
#   FOLDER   the instance's folder: disk/ holds what it wrote, sshd_config says where it listens
#   ROOT     the sandbox's folder, which stays visible in the instance's own /tmp; empty when /tmp must be shared
#   PRIVATE  folders of the machine that the instance may change for itself alone
set -u
instance=$1
root=$3
echo "$2" >/proc/sys/kernel/hostname
shift 3

for folder in "$@"; do
    mkdir -p "$instance/disk$folder" "$instance/work$folder"
    mount -t overlay -o "lowerdir=$folder,upperdir=$instance/disk$folder,workdir=$instance/work$folder" overlay "$folder" ||
        echo "the instance shares $folder with the machine: no overlay file system here"
done
mount --bind "$instance/passwd" /etc/passwd
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir -p /run/sshd
if [ -n "$root" ]; then
    mkdir -p /run/tmp
    chmod 1777 /run/tmp
    case $root in
    /tmp/*) mkdir -p "/run$root" && mount --bind "$root" "/run$root" ;;
    esac
    mount --rbind /run/tmp /tmp
fi

# As on a host with systemd, a dead sshd is started again and the sessions outlive it.
while :; do
    /usr/sbin/sshd -D -e -f "$instance/sshd_config" || sleep 1
done
