# A board's console: any line brings the login prompt, then user, password (not echoed) and a shell that knows `uname`.
while read -r _; do
  printf 'board login: '
  read -r user
  stty -echo
  printf 'Password: '
  read -r password
  stty echo
  printf '\n'
  if [ "$user:$password" = "root:open sesame" ]; then
    break
  fi
  echo 'Login incorrect'
done
printf 'Welcome to \033[1;32mboard\033[0m\n# '
while read -r command; do
  case $command in
    uname) echo 'Linux board' ;;
    token*) echo "got $command" ;;
    exit) exit 0 ;;
    *) echo "$command: not found" ;;
  esac
  printf '# '
done
