#!/usr/bin/env bash
# The smallest honest token server: a CGI program behind nginx, which has checked the password and says in `login=` who asks. Signs what
# docker-registry takes: RS256, `kid` as libtrust makes it. Anyone may pull from open/, the user `reader` from everywhere, the user
# `writer` may do everything; an identity token is `identity-of-USER`.
# SPDX-License-Identifier: Apache-2.0
set -u
dir=$(dirname "$0")/..

unescape() { printf '%b' "$(sed 's/+/ /g; s/%\(..\)/\\x\1/g')"; }
parameters() { printf '%s' "$1" | tr '&' '\n' | sed -n "s/^$2=//p" | unescape; }
base64url() { basenc -w0 --base64url | tr -d =; }

query=$QUERY_STRING
login=$(parameters "$query" login)
if [ "$REQUEST_METHOD" = POST ]; then
	query=$(head -c "$CONTENT_LENGTH")
	login=$(parameters "$query" refresh_token | sed -n 's/^identity-of-//p')
	[ -n "$login" ] || { printf 'Status: 401 Unauthorized\r\n\r\n'; exit; }
fi
printf '%s\n' "$query" >>"$dir/questions"

access=
# shellcheck disable=SC2086  # scopes are words
for scope in $(parameters "$query" scope | tr '\n' ' ' | sed 's/\(repository\|registry\):/ \1:/g'); do
	rest=${scope#*:}
	name=${rest%:*} actions=
	case $login:$name in
	writer:*) actions=${rest##*:} ;;
	reader:* | :open/*) case ,${rest##*:}, in *,pull,*) actions=pull ;; esac ;;
	esac
	[ -z "$actions" ] || access="$access${access:+,}{\"type\":\"${scope%%:*}\",\"name\":\"$name\",\"actions\":[\"$(echo "$actions" | sed 's/,/","/g')\"]}"
done

now=$(date +%s)
life=$(cat "$dir/life" 2>/dev/null || echo 300)
head=$(printf '{"typ":"JWT","alg":"RS256","kid":"%s"}' "$(cat "$dir/kid")" | base64url)
body=$(printf '{"iss":"tests","sub":"%s","aud":"%s","exp":%d,"nbf":%d,"iat":%d,"jti":"1","access":[%s]}' "$login" \
	"$(parameters "$query" service)" $((now + life)) $((now - 10)) "$now" "$access" | base64url)
signature=$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -sign "$dir/token.key" -binary | base64url)
printf 'Content-Type: application/json\r\n\r\n{"token":"%s.%s.%s","expires_in":%d}' "$head" "$body" "$signature" "$life"
