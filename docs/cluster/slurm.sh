#!/bin/bash
# A search or a fit as a job of Slurm that goes on after its time limit, a preemption or a lost node:
#
#   sbatch slurm.sh fit photo.png --steps 20000 -o photo.inr
#
# Keep files and storages in a folder that all nodes share.
#SBATCH --job-name=enas-inr
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
#SBATCH --open-mode=append

# Without srun, which kills what it has started when it gets SIGTERM.
enas-inr "$@" &
program=$!
trap 'kill -TERM "$program"' TERM # bash runs it at once, since it waits for no program

wait "$program"
code=$?
while kill -0 "$program" 2>/dev/null; do # the trap has ended `wait`, and not the program
    wait "$program"
    code=$?
done
if [ "$code" -eq 143 ]; then # terminated, with everything stored: the same command goes on
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
