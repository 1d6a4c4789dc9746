import type { Shell } from "../grammar.ts";

/** The script of a shell. All of them hand the words up to the cursor to `dutctl __complete` and read what answer.ts writes. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const bash = `# Completion of dutctl for bash.

# The words up to the cursor. Bash breaks words at : and = too; what no blank parts is one word again.
__dutctl_words() {
  local line=\${COMP_LINE:0:COMP_POINT} i word
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && word=\${line#"\${line%%[![:space:]]*}"}
    if [[ \${#words[@]} -gt 0 && -n $line && $line != [[:space:]]* ]]; then
      words[\${#words[@]}-1]+=$word
    else
      line=\${line#"\${line%%[![:space:]]*}"}
      words+=("$word")
    fi
    line=\${line#"$word"}
  done
}

__dutctl() {
  local -a words answer
  local kind line value head IFS=$'\\n'
  COMPREPLY=()
  __dutctl_words
  words=("\${words[@]//[\\\\\\"\\']/}")
  mapfile -t answer < <(command "\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
  ((\${#answer[@]})) || return 0
  kind=\${answer[0]}
  head=\${words[\${#words[@]}-1]}
  case $head in
    *[:=]*) head=\${head%"\${head##*[:=]}"} ;;
    *) head= ;;
  esac
  for line in "\${answer[@]:1}"; do
    value=\${line%%$'\\t'*}
    [[ -n $value ]] || continue
    value=\${value#"$head"}
    printf -v value %q "$value"
    COMPREPLY+=("$value")
  done
  if [[ $kind == files ]]; then
    compopt -o filenames
    while IFS= read -r line; do
      COMPREPLY+=("$line")
    done < <(compgen -f -- "\${words[\${#words[@]}-1]#"$head"}")
  elif [[ $kind == open ]]; then
    compopt -o nospace
  fi
}

complete -F __dutctl dutctl
`;

const zsh = `#compdef dutctl
# Completion of dutctl for zsh.

_dutctl() {
  local -a answer values displays
  local kind line value text
  answer=("\${(@f)$(command \${(Q)words[1]} __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  [[ -n \${answer[1]} ]] || return 1
  kind=\${answer[1]}
  for line in "\${(@)answer[2,-1]}"; do
    value=\${line%%$'\\t'*}
    text=
    [[ $line == *$'\\t'* ]] && text=\${line#*$'\\t'}
    if [[ -z $value ]]; then
      _message -r "$text"
      continue
    fi
    values+=("$value")
    displays+=("$value\${text:+  -- $text}")
  done
  if [[ $kind == open ]]; then
    compadd -S '' -l -d displays -a values
  else
    compadd -l -d displays -a values
  fi
  [[ $kind == files ]] && _files
  return 0
}

if [[ \${funcstack[1]} == _dutctl ]]; then
  _dutctl "$@"
else
  compdef _dutctl dutctl
fi
`;

const fish = `# Completion of dutctl for fish.

function __dutctl_answer
    set -l words (commandline -opc)
    set -l written (commandline -ct)
    set -l answer (command $words[1] __complete $words[2..-1] "$written" 2>/dev/null)
    test (count $answer) -gt 0; or return
    set -l kind $answer[1]
    set -e answer[1]
    for line in $answer
        string match -qr '^\\t' -- $line; or printf '%s\\n' $line
    end
    if test $kind = files
        __fish_complete_path "$written"
    end
end

complete -c dutctl -f -a '(__dutctl_answer)'
`;

const scripts = { bash, zsh, fish } as const satisfies Record<Shell, string>;
