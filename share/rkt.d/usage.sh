# rkt: what every command takes, for people.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with rkt

usage_text() { # [COMMAND]
	case ${1-} in
	trust)
		cat <<-'END'
			usage: rkt trust --prefix PREFIX [KEY ...]
			       rkt trust --root DOMAIN|URL|FILE

			trust a key for images below a name; KEY is a URL or a file, and without one
			discovery finds it

			  --prefix=PREFIX            trust the key for PREFIX and what is below PREFIX/
			  --root=DOMAIN              trust the keys of DOMAIN for it and below DOMAIN/
			  --root=URL|/FILE|./FILE    trust this key for EVERY image
			  --skip-fingerprint-review  do not ask
			  --insecure-allow-http      take a key over plain http
		END
		;;
	fetch)
		cat <<-'END'
			usage: rkt fetch [options] IMAGE ...

			bring images into the store, verified where a key covers their name; prints
			their ids

			  --full                     print the whole id
			  --pull-policy=POLICY       never, new (what the store has not) or update
			  --signature=FILE           the signature of an image that is a file

			IMAGE is NAME[:VERSION][,LABEL=VALUE...], an id, a URL, docker://NAME[:TAG],
			oci:DIR[:TAG], or a file that starts with / ./ or ../
		END
		;;
	run | prepare)
		printf 'usage: rkt %s [options] IMAGE [image options] [-- ARGUMENT ... [---]] ...\n\n' "$1"
		[ "$1" = run ] && echo 'run images in a pod; ends with the status of the app' ||
			echo 'make a pod ready to be run once; prints its UUID'
		cat <<-'END'

			  --volume=NAME,kind=host,source=/PATH[,readOnly=BOOL][,recursive=BOOL]
			  --volume=NAME,kind=empty[,mode=OCTAL][,uid=N][,gid=N][,readOnly=BOOL]
			  --mount=volume=NAME,target=/PATH
			  --set-env=NAME=VALUE       set a variable in every app
			  --set-env-file=FILE        set the variables of a file
			  --inherit-env              give rkt's variables to the apps
			  --hostname=NAME            the pod's host name
			  --net=host                 the host's network, as without it
			  --pod-manifest=FILE        make the pod of this manifest, instead of images
			  --pull-policy=POLICY       never, new (what the store has not) or update
			  --uuid-file-save=FILE      write the pod's UUID there before any app starts
			  --user-annotation=NAME=VALUE, --user-label=NAME=VALUE

			behind an image, for it alone:
			  --name=NAME --exec=PATH --user=USER --group=GROUP --supplementary-gids=N,...
			  --working-dir=DIR --environment=NAME=VALUE --mount=volume=NAME,target=/PATH
			  --caps-retain=NAME,... --caps-remove=NAME,... --readonly-rootfs
			  --user-annotation=NAME=VALUE --user-label=NAME=VALUE --signature=FILE
		END
		;;
	run-prepared)
		cat <<-'END'
			usage: rkt run-prepared UUID
			       rkt run-prepared --uuid-file=FILE

			run a prepared pod, once; ends with the status of its app
		END
		;;
	image)
		cat <<-'END'
			usage: rkt image COMMAND [options] [arguments]

			  list [--full] [--no-legend]
			  cat-manifest IMAGE
			  export [--overwrite] IMAGE FILE    the uncompressed archive; - is stdout
			  extract [--overwrite] [--rootfs-only] IMAGE DIRECTORY
			  render [--overwrite] [--rootfs-only] IMAGE DIRECTORY
			                                     with what it depends on
			  verify IMAGE ...
			  rm IMAGE ...
			  gc [--grace-period=TIME]
		END
		;;
	version) echo 'usage: rkt version' ;;
	*)
		cat <<-'END'
			usage: rkt [options] COMMAND [options] [arguments]
			trust, fetch and run App Container Images

			  trust          trust a key for images below a name
			  fetch          bring images into the store
			  run            run images in a pod
			  prepare        make a pod ready, without running it
			  run-prepared   run a prepared pod, once
			  image          list, show, export, check and remove images
			  version        show the version
			  help           show this, or the usage of a command

			before or behind the command:
			  --dir=DIR                  where images and pods are kept
			  --system-config=DIR        trusted keys and credentials: /usr/lib/rkt,
			  --local-config=DIR         masked by /etc/rkt,
			  --user-config=DIR          masked by this
			  --insecure-options=LIST    switch checks off: none, http, image, tls, pubkey,
			                             capabilities, paths, seccomp, all-fetch,
			                             all-run, all
			  --insecure-skip-verify     the same as --insecure-options=image
			  --debug                    say more
		END
		;;
	esac
}
