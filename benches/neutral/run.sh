#!/bin/sh
# run.sh TARGET MODE [real]: 50 changes that are known to be neutral, judged by
# MODE, in a new folder of the current one. With `real`, known gains are among
# them. TARGET is `digits` or `rbm`, whose sources lie in the folder $WORK, or
# `latency`, which needs none. $PY is a Python that has what the target imports.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1 mode=$2 real=${3:-} python=${PY:-python3}
folder=$PWD/$target-$mode$real
mkdir "$folder"
case $target in
latency) cp "$here/bench.py" "$here/work.py" "$folder" ;;
*) cp "$WORK"/*.py "$folder" ;;
esac
cd "$folder"
# As shipped, the RBM's classifier does not converge.
[ "$target" != rbm ] || sed -i 's/tol=1)/tol=1e-3)/' train.py
git init -q . && git add -A && git -c user.name=bench -c user.email=bench@localhost commit -qm start
export OMP_NUM_THREADS=1 MPLBACKEND=Agg
run() {
    autoresearch run --yes --budget 2m --set judge.mode="$mode" "$@"
}
case $target in
digits)
    run -n 50 --target neural_net.py --read-only data.py --command "$python neural_net.py" \
        --metric test_accuracy --maximize --pattern '^\s*\d+\|\s*[0-9.e-]+\|\s*([0-9.]+)' \
        --proposer-command "$python $here/digits.py $real"
    ;;
rbm)
    run -n 50 --target train.py --command "$python train.py" \
        --metric accuracy --maximize --pattern 'accuracy\s+([0-9.]+)' --set metric.take=first \
        --proposer-command "$python $here/rbm.py"
    ;;
latency)
    run -n 16 --target work.py --read-only bench.py --command "$python bench.py" \
        --metric latency_ms --minimize --set metric.take=min \
        --proposer-command "$python $here/latency.py"
    ;;
esac
