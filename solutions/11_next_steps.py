# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# You have built an engine for gradients, a GPT and a replication of a paper. The next thing to build is your own. This page is short, and nothing on it is graded.

# %% tags=["nbval-ignore-output"]
status()

# %% [markdown]
# ## 1. A first project
#
# Why this matters: courses feel like progress for as long as you like. Skill comes from projects that end.
#
# Choose one that you can finish in a week of evenings. It is small enough when you can fill in all five lines:
#
# 1. **The claim**, as one sentence that could be false.
# 2. **The figure** that would show it, drawn by hand with made-up numbers, as in module 08.
# 3. **The baseline**: what a reader would compare with. Often it is something dull, and it often wins.
# 4. **The first hour**: the cheapest run that could kill the idea. Do this one first.
# 5. **The reader**: one person who would do something differently if the claim holds.
#
# Six that start from notebooks you already have. Nobody promises you how they come out.
#
# | start from | question | first hour |
# |---|---|---|
# | 02b | Does a net that was trained on its own adversarial digits resist new ones, or only those? | ten epochs with half of each batch attacked |
# | 05 | Your scaling law missed the seventh model. Does another form of the curve miss it less? | fit three forms to six points, compare on the seventh |
# | 05 | Which chat templates survive a user who knows them? | write ten attacks before you write the defence |
# | 07 | Which block of your GPT can be left out after training, and at what loss? | skip them one at a time |
# | 08 | What changes when two features always appear together? | one density, one pair, eight seeds |
# | 10 | Does subtraction grok sooner than addition? And what about an operation without a rule? | one seed of each, with the same budget |
#
# A **replication** of one key result is a full project, too. It teaches more than a new idea does, because you can tell when you are wrong.

# %% [markdown]
# ## 2. A threat model chooses for you
#
# Why this matters: thousands of questions are interesting. Few of them matter to anybody.
#
# A **threat model** is a story in steps: who or what causes harm, with which ability, past which defence, to whom. Written as a chain, it shows where an experiment can help: at the step that you are least sure of and that can be measured.
#
# | kind | the story, shortened | a step that a laptop can measure |
# |---|---|---|
# | misuse | a person gets a model to do harm for them | how many tries does a jailbreak need, and does a defence raise that number or only hide it? |
# | accident | a model meets inputs unlike its training, and is sure of itself | how does confidence fall with distance from the data? (02b's noise) |
# | wrong goal | training rewards something near what we want, and the model learns the near thing | can you tell two models apart that behave alike in training? |
# | no oversight | we can't see what a system is after, so we can't stop it in time | does a probe of a model's inside warn before its outputs do? |
#
# Write your own chain in five lines. Then ask of each project: **which step does it touch, and what would we do if the answer were yes?** If nothing would change, choose another project. Be as hard on this page: superposition in toy models touches the last row, and only through several steps that nobody has shown yet.

# %% [markdown]
# ## 3. Reading
#
# - Most papers deserve two minutes, some twenty, very few a day. Decide after each pass, as you did in module 08.
# - Before the results, say what you expect. A surprise that you can't feel teaches nothing.
# - Read one paper's code for every ten papers. The setting that made it work is often there and nowhere else.
# - Keep one line a paper: what it claims, and the number that you would ask for.
# - Ask what would have been published if it had come out the other way.
#
# ## 4. Taste
#
# **Taste** is knowing which experiment is worth running. It is trained like anything else: predict, look, correct.
#
# - Note a probability before each run. After fifty runs, see how often 80% came true.
# - When you meet people with good taste, ask what they expect of your next run, and why.
# - Do the run that could end the project before the run that could decorate it.
# - When two results disagree, look at the data itself. Half of all mysteries live there.
# - Be quick: shorten the time from question to answer until you can ask three a day. That is what module 08's sweeps are for.
#
# ## 5. Writing
#
# - Start on the first day. The text tells you which experiment is missing.
# - The first figure carries the claim. Somebody who reads nothing else should be able to repeat it to a friend.
# - Say what you did, what you saw and what you think, in three different sentences.
# - Error bars, number of seeds, what you tried that failed: a reader who finds these trusts the rest.
# - Give it to one person who doesn't know the project. Where they stop, the text is wrong, not they.
#
# ## 6. Applying
#
# Programmes that pair newcomers with mentors, [MATS](https://www.matsprogram.org) among them, are split into streams. Each has its own mentor, question and test.
#
# - Apply to several streams, and to several programmes. A single decision is mostly noise; ten of them say something.
# - Read two papers by the mentor before you write one line. Then write what you would run next, and why.
# - Show one finished thing. A small honest replication, with its failures, says more than a list of courses. You have one now.
# - Treat a work test as a project with a deadline: claim, figure, baseline, first hour.
# - Ask for feedback on a no. Some will answer.

# %% [markdown]
# ## 7. Where to learn more
#
# ### Courses
#
# | what | one honest line |
# |---|---|
# | [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html) (Karpathy) | The lectures behind modules 04 and 07; the makemore parts in between are worth their hours. |
# | [ARENA](https://www.arena.education) | The best next step if you want to do interpretability or safety engineering; plan for weeks, and for a GPU. |
# | [Practical Deep Learning](https://course.fast.ai) (fast.ai) | Top-down and useful at once; lighter on why. |
# | [CS224N](https://web.stanford.edu/class/cs224n/) (Stanford) | Language from word vectors to LLMs, with real assignments; a term's work. |
# | [Understanding Deep Learning](https://udlbook.github.io/udlbook/) (Prince) | A free book with the clearest figures of them all; no course around it. |
# | [Spinning Up](https://spinningup.openai.com) (OpenAI) | Still the shortest way into reinforcement learning; its code has aged. |
# | [BlueDot's courses](https://bluedot.org/courses) | Safety in discussion groups; you learn as much from the group as from the texts. |
# | [AI Safety, Ethics and Society](https://www.aisafetybook.com) (Hendrycks) | A broad textbook, good for threat models; little code. |
#
# ### Papers and notes
#
# | what | one honest line |
# |---|---|
# | [Attention Is All You Need](https://arxiv.org/abs/1706.03762) (2017) | You have built all of it but the encoder; now it reads quickly. |
# | [A Mathematical Framework for Transformer Circuits](https://transformer-circuits.pub/2021/framework/index.html) (2021) | The language in which modules 08 to 10 think; slow going, worth two evenings. |
# | [Towards Monosemanticity](https://transformer-circuits.pub/2023/monosemantic-features) (2023) | Module 08's question, asked of a real (small) language model. |
# | [Training Compute-Optimal Large Language Models](https://arxiv.org/abs/2203.15556) (2022) | Scaling laws with consequences; keep in mind how your own fit missed. |
# | [Training language models to follow instructions](https://arxiv.org/abs/2203.02155) (2022) | Where preference training became a product; read the part on who the labellers were. |
# | [Universal and Transferable Adversarial Attacks](https://arxiv.org/abs/2307.15043) (2023) | Gradient attacks on chat models: 02b's signed step, grown up. |
# | [Sleeper Agents](https://arxiv.org/abs/2401.05566) (2024) | Hidden behaviour that survives safety training, in models built to have it; ask what that does and doesn't show. |
# | [AI Control](https://arxiv.org/abs/2312.06942) (2023) | What to do if you can't trust the model: a good example of a threat model that chooses the experiments. |
# | [A Recipe for Training Neural Networks](https://karpathy.github.io/2019/04/25/recipe/) (Karpathy, 2019) | Read it before your first project and again when it doesn't train. |
# | [An Opinionated Guide to ML Research](http://joschu.net/blog/opinionated-guide-ml-research.html) (Schulman, 2020) | On choosing problems; short, and still right. |
# | [ML Safety Research Advice](https://www.alignmentforum.org/posts/aw2jEZmxe2dsgomWn/ml-safety-research-advice-gabem-1) (Gabe M, 2024) | The page whose twelve hours you have just done; go on where we stopped. |
#
# ## Recap
#
# - A first project has a claim, a figure, a baseline, a first hour and a reader.
# - A threat model tells you which questions matter: look for the step that can be measured.
# - Predict before you look, write from the first day, apply more than once.
#
# Close this tab, and write down your claim.
